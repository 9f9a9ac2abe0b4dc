#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.1, for clients from before 1995.
Task<Session::Reply> Session::cmd_helo(std::string_view arguments) {
  auto hello = smtp::parse_hello(arguments);
  if (!hello) co_return hello.error().reply();
  reset_transaction();
  hello_ = true;
  esmtp_ = false;
  helo_ = std::move(hello->name);
  co_return Reply{250, {}, settings_->hostname};
}

}  // namespace godwit::smtpd
