// ENVELOPE: bounded, groups closed, no line ends or NUL in any value.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/message/envelope.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool clean(const std::string& text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos; }

void check(const std::vector<message::EnvelopeAddress>& list) {
  using Kind = message::EnvelopeAddress::Kind;
  require(list.size() <= message::kMaxEnvelopeAddresses);
  bool in_group = false;
  for (const auto& address : list) {
    require(clean(address.name) && clean(address.route) && clean(address.mailbox) && clean(address.host));
    if (address.kind == Kind::mailbox) continue;
    require(in_group == (address.kind == Kind::group_end));
    in_group = !in_group;
  }
  require(!in_group);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto envelope = message::parse_envelope(input);
  for (const auto* list : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) check(*list);
  for (const auto* text : {&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id})
    require(!*text || clean(**text));
  message::parse_envelope_addresses(input);
  require(message::parse_message_ids(input).size() <= message::kMaxMessageIds);
  return 0;
}
