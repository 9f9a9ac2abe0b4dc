#include "base/log.h"
#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.1. A second one is a RSET (4.1.4). Who pipelines behind it has not seen what we offer: noted, not punished.
Task<Session::Reply> Session::cmd_ehlo(std::string_view arguments) {
  auto hello = smtp::parse_hello(arguments);
  if (!hello) co_return hello.error().reply();
  if (!hello_ && reader_.buffered()) log::info("early_talker", {{"session", id_}, {"peer", remote_.address.text()}});
  reset_transaction();
  hello_ = true;
  esmtp_ = true;
  helo_ = std::move(hello->name);
  const Capabilities capabilities{settings_->hostname, settings_->max_message_size, tls_offered(), auth_possible()};
  co_return Reply{250, {}, ehlo_text(capabilities, remote_.address)};
}

}  // namespace godwit::smtpd
