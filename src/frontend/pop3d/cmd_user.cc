#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"
#include "grammar/sasl/plain.h"

namespace godwit::pop3d {

// RFC 1939 7. Says the same for every name, known or not.
Task<> Session::cmd_user(pop3::Command command) {
  if (!may_log_in()) co_return err(text::kEncryptFirst);
  // RFC 6856 2.2: names and passwords that are not UTF-8 must be refused
  // RFC 6856 2.2 DEVIATES: no SASLprep; names are compared in NFC, passwords byte by byte
  if (!sasl::is_sasl_text(command.text)) co_return protocol_error(text::kNotUtf8);
  user_ = std::move(command.text);
  ok(text::kSendPassword);
}

}  // namespace godwit::pop3d
