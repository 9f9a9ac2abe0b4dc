#include "grammar/message/received.h"
#include "service/intake/transaction.h"
#include "service/submission/submission.h"

namespace godwit::intake {
namespace {

std::string received_field(const Source& source, const MailParameters& parameters, std::string_view hostname, std::string_view id,
                           std::string_view only_recipient, WallTime now) {
  message::Received received;
  if (source.uid)
    received.uid = source.uid;
  else
    received.helo = source.helo;
  received.client = source.door == Source::Door::local ? nullptr : &source.remote.address;
  received.by = hostname;
  received.esmtp = source.esmtp;
  received.authenticated = source.account.has_value();
  received.smtputf8 = parameters.smtputf8;
  if (source.tls) {
    received.tls = true;
    received.tls_version = source.tls->version;
    received.tls_cipher = source.tls->cipher;
  }
  received.id = id;
  received.recipient = only_recipient;
  received.date.time = std::chrono::floor<std::chrono::seconds>(now);
  return message::format_received(received);
}

}  // namespace

Prefix make_prefix(const Source& source, const MailParameters& parameters, const message::HeaderSummary& header, const Settings& settings,
                   MessageId id, std::uint64_t body_size, std::string_view only_recipient, WallTime now) {
  Prefix prefix;
  prefix.text = received_field(source, parameters, settings.hostname, id.text(), only_recipient, now);
  prefix.message_id = header.message_id_value;
  if (source.door != Source::Door::mx) {
    auto added = submission::missing_fields(header, id, settings.hostname, now);
    prefix.text += added.text;
    if (!added.message_id.empty()) prefix.message_id = std::move(added.message_id);
  }
  // a text without any header would otherwise run into ours
  const bool no_header = header.fields == 0 && (header.garbage_lines > 0 || body_size == 0);
  if (no_header) prefix.text += "\r\n";
  return prefix;
}

}  // namespace godwit::intake
