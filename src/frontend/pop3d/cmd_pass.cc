#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"
#include "grammar/sasl/plain.h"

namespace godwit::pop3d {

// RFC 1939 7
Task<> Session::cmd_pass(pop3::Command command) {
  if (!may_log_in()) co_return err(text::kEncryptFirst);
  if (user_.empty()) co_return protocol_error(text::kUserFirst);
  if (!sasl::is_sasl_text(command.text)) co_return protocol_error(text::kNotUtf8);
  std::string name = std::exchange(user_, std::string());
  co_await log_in(std::move(name), std::move(command.text));
}

}  // namespace godwit::pop3d
