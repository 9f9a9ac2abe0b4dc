#include "service/outbound/fitness.h"

#include <fmt/format.h>

#include "base/units.h"
#include "service/outbound/message_body.h"
#include "service/outbound/outcomes.h"

namespace godwit::outbound {
namespace {

constexpr smtp::EnhancedCode kTooLarge{5, 3, 4};
constexpr smtp::EnhancedCode kConversionRequired{5, 6, 3};
constexpr smtp::EnhancedCode kNeedsSmtputf8{5, 6, 7};  // RFC 6531 3.5

}  // namespace

Task<std::expected<MailOptions, queue::Outcome>> fit(store::Blobs& blobs, std::shared_ptr<const queue::Message> message,
                                                     const smtp::Extensions& peer, const std::string& remote) {
  MailOptions options;
  options.size = peer.size;
  options.dsn = peer.dsn;
  options.eight_bit = message->body_8bit && peer.eight_bit_mime;
  options.smtputf8 = message->smtputf8 && peer.smtputf8;
  const std::uint64_t size = message->prefix.size() + message->size;
  // RFC 1870 6.1: a message that is larger than the server's fixed maximum need not be offered to it
  if (peer.size_max && size > *peer.size_max)
    co_return std::unexpected(bounced(
        kTooLarge,
        fmt::format("the message has {}, the server takes {} at most", to_string(ByteCount{size}), to_string(ByteCount{*peer.size_max})),
        remote));
  if (message->smtputf8 && !peer.smtputf8) {
    if (!message->reverse_path.is_null() && !message->reverse_path.address().is_ascii())
      co_return std::unexpected(
          bounced(kNeedsSmtputf8, "the sender's address is international, and the server does not support that", remote));
    const auto plain = co_await is_seven_bit(blobs, message, Extent::header);
    if (!plain) co_return std::unexpected(unreadable(plain.error()));
    if (!*plain)
      co_return std::unexpected(
          bounced(kNeedsSmtputf8, "the message has international header fields, and the server does not support that", remote));
  }
  if (message->body_8bit && !peer.eight_bit_mime) {
    // RFC 6152 3 DEVIATES: no conversion to 7 bits yet, so the message is returned, as its item (2) allows
    const auto plain = co_await is_seven_bit(blobs, message, Extent::whole);
    if (!plain) co_return std::unexpected(unreadable(plain.error()));
    if (!*plain)
      co_return std::unexpected(
          bounced(kConversionRequired, "the message has 8-bit content, and the server takes 7-bit content alone", remote));
  }
  co_return options;
}

void decide_unnameable(Work& work, const std::string& remote) {
  std::erase_if(work.open, [&](std::size_t position) {
    if (work.job.message->recipients[work.job.recipients[position]].address.is_ascii()) return false;
    work.decide(position,
                bounced(kNeedsSmtputf8, "the recipient's address is international, and the server does not support that", remote));
    return true;
  });
}

}  // namespace godwit::outbound
