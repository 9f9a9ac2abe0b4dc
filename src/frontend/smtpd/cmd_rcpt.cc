#include "base/log.h"
#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.3. Whether the recipient is taken is intake's decision.
Task<Session::Reply> Session::cmd_rcpt(std::string_view arguments) {
  if (!transaction_) co_return replies::mail_first();
  auto rcpt = smtp::parse_rcpt(arguments);
  if (!rcpt) co_return rcpt.error().reply();
  // RFC 6531 3.5; also for a domain in U-labels, which intake sees as A-labels
  if (rcpt->needs_smtputf8 && !smtputf8_) co_return replies::recipient_needs_smtputf8();
  if (rcpt->postmaster) {
    std::string hostname = settings_->hostname;
    auto postmaster = co_await context_.directory.postmaster_for(std::move(hostname));
    if (!postmaster) {
      log::warning("postmaster_unknown", {{"session", id_}, {"error", postmaster.error().text}});
      co_return replies::directory_unavailable();
    }
    if (!*postmaster) co_return replies::no_postmaster(settings_->hostname);
    rcpt->address = **std::move(postmaster);
  }
  auto address = std::move(rcpt->address);
  const smtp::Notify& asked = rcpt->notify;
  const queue::Notify notify{asked.given, asked.never, asked.success, asked.failure, asked.delay};
  std::string orcpt = std::move(rcpt->orcpt);
  auto reply = co_await transaction_->add_recipient(std::move(address), notify, std::move(orcpt));
  co_return reply;
}

}  // namespace godwit::smtpd
