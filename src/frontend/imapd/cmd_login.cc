#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.2.3
Task<Reply> Session::cmd(imap::Login command) {
  if (!may_log_in()) co_return Reply::no(text::kEncryptFirst, code::kPrivacyRequired);
  co_return co_await log_in(std::move(command.user), std::move(command.password));
}

}  // namespace godwit::imapd
