#include "service/delivery/delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "grammar/message/thread_ids.h"

namespace godwit::delivery {
namespace {

using queue::Outcome;

constexpr std::string_view kHere = "local";

bool fits_a_field(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// RFC 5321 4.4: the delivery SMTP system inserts a return-path line at the beginning of the mail data.
std::string make_prefix(const queue::Message& message, const queue::Recipient& recipient) {
  const std::string address = recipient.address.text();
  std::string prefix = fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n", message.reverse_path.text(), address);
  const bool through_alias = !recipient.original.empty() && recipient.original != address;
  if (through_alias && fits_a_field(recipient.original)) prefix += fmt::format("X-Original-To: {}\r\n", recipient.original);
  return prefix + message.prefix;
}

Outcome delivered(const queue::Recipient& recipient, const mailbox::Mailboxes::Delivered& done) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::delivered;
  outcome.status = {2, 1, 5};  // RFC 3463 3.2: destination address valid
  outcome.text =
      fmt::format("{} into INBOX of {}, UID {}", done.already ? "was delivered before" : "delivered", recipient.address.text(), done.uid);
  outcome.remote = kHere;
  return outcome;
}

// RFC 3463 3: the second and third number for what went wrong here.
smtp::EnhancedCode status_of(const Error& error, std::uint8_t status_class) {
  switch (error.cause) {
    case Error::Cause::full: return {status_class, 3, 1};   // mail system full
    case Error::Cause::limit: return {status_class, 3, 4};  // message too big for system
    default: return {status_class, 3, 0};
  }
}

Outcome failed(const queue::Recipient& recipient, const Error& error) {
  Outcome outcome;
  outcome.remote = kHere;
  if (error.cause == Error::Cause::not_found) {
    outcome.kind = Outcome::Kind::bounced;
    outcome.status = {5, 1, 1};  // bad destination mailbox address
    outcome.text = fmt::format("{} does not exist any more", recipient.address.text());
    return outcome;
  }
  // damage and bugs on our side are tried again, never held against the sender; a limit will not go away
  const bool for_ever = error.kind == Error::Kind::permanent && error.cause == Error::Cause::limit;
  outcome.kind = for_ever ? Outcome::Kind::bounced : Outcome::Kind::deferred;
  outcome.status = status_of(error, for_ever ? 5 : 4);
  outcome.text = fmt::format("not delivered to {}: {}", recipient.address.text(), error.text);
  return outcome;
}

}  // namespace

// Fields that were added at accept stand in front: Message-ID too, where the sender left it out.
Task<std::vector<std::string>> read_thread_ids(store::Blobs& blobs, std::shared_ptr<const queue::Message> message) {
  constexpr std::size_t kPiece = 16 * 1024;
  message::ThreadIdReader reader;
  reader.feed(message->prefix);
  for (std::uint64_t offset = 0; offset < message->size && !reader.done();) {
    const auto piece = co_await blobs.read(message->blob, offset, kPiece);
    if (!piece || piece->empty()) break;
    reader.feed(*piece);
    offset += piece->size();
  }
  co_return reader.finish();
}

Task<LocalResult> deliver_local(mailbox::Mailboxes& mailboxes, const queue::Message& message, const queue::Recipient& recipient,
                                directory::Account account, std::vector<std::string> threads) {
  mailbox::NewEmail email{make_prefix(message, recipient), message.blob, message.size, message.accepted, std::move(threads)};
  const auto done = co_await mailboxes.deliver(account.id, message.id, recipient.address.text(), std::move(email));
  LocalResult result;
  if (!done) {
    result.outcome = failed(recipient, done.error());
    co_return result;
  }
  result.outcome = delivered(recipient, *done);
  result.handover.push_back({mailbox::blob_ref_key(message.blob, account.id, done->email)});
  co_return result;
}

}  // namespace godwit::delivery
