#include "service/events/report.h"

#include <algorithm>

#include "state/events/record.h"

namespace godwit::events {
namespace {

using queue::Recipient;

// The message's texts live as long as it does, but for the sender's.
Draft draft_of(Type type, const queue::Message& message, const std::string& sender) {
  Draft draft;
  draft.type = type;
  draft.message = message.id;
  draft.size = message.size;
  draft[Text::sender] = sender;
  draft[Text::tenant] = message.tenant;
  draft[Text::account] = message.identity;
  draft[Text::message_id] = message.message_id;
  return draft;
}

Type type_of(const Recipient& recipient) {
  if (recipient.state == Recipient::State::pending) return Type::deferred;
  if (recipient.state == Recipient::State::delivered) return Type::delivered;
  if (recipient.state == Recipient::State::dropped) return Type::dropped;
  // RFC 3463 3.5: X.4.7, delivery time expired; 4.4.7 is never what a remote's refusal for good looks like
  const auto& status = recipient.last.status;
  return status == smtp::EnhancedCode{4, 4, 7} ? Type::expired : Type::bounced;
}

}  // namespace

void report_accepted(Stream* stream, const queue::Message& message, std::string_view message_id, std::string_view tls) {
  if (stream == nullptr) return;
  const std::string sender = message.reverse_path.text();
  Draft draft = draft_of(Type::accepted, message, sender);
  draft[Text::message_id] = message_id;
  draft[Text::client] = message.client;
  draft[Text::session] = message.session;
  draft[Text::tls] = tls;
  const std::size_t named = std::min(message.recipients.size(), kMostRecipients);
  std::vector<std::string> recipients;
  recipients.reserve(named);
  for (std::size_t i = 0; i < named; ++i) recipients.push_back(message.recipients[i].address.text());
  draft.recipients = recipients;
  draft.recipient_count = message.recipients.size();
  stream->add(draft);
}

void report(Stream* stream, Type type, const queue::Message& message, std::string_view reason) {
  if (stream == nullptr) return;
  const std::string sender = message.reverse_path.text();
  Draft draft = draft_of(type, message, sender);
  draft[Text::reason] = reason;
  draft.recipient_count = message.recipients.size();
  stream->add(draft);
}

void report(Stream* stream, const queue::Message& message, const Recipient& recipient) {
  if (stream == nullptr) return;
  const std::string sender = message.reverse_path.text();
  const std::string rcpt = recipient.address.text();
  const std::string status = recipient.last.status.present() ? recipient.last.status.text() : std::string();
  Draft draft = draft_of(type_of(recipient), message, sender);
  draft[Text::recipient] = rcpt;
  draft[Text::original] = recipient.original;
  draft[Text::remote] = recipient.last.remote;
  draft[Text::reply] = recipient.last.remote_reply;
  draft[Text::status] = status;
  draft[Text::reason] = recipient.last.text;
  draft[Text::reply_class] = recipient.last.reply_class;
  draft.attempt = recipient.attempts;
  if (recipient.state == Recipient::State::pending) draft.next_attempt = recipient.next_attempt;
  stream->add(draft);
}

void report_alert(Stream* stream, std::string_view name, std::string_view account, std::string_view reason) {
  if (stream == nullptr) return;
  Draft draft;
  draft.type = Type::alert;
  draft[Text::alert] = name;
  draft[Text::account] = account;
  draft[Text::reason] = reason;
  stream->add(draft);
}

}  // namespace godwit::events
