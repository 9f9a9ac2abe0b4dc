// From a name and a password to an open account, for LOGIN and AUTHENTICATE alike.

#include "base/log.h"
#include "base/metrics.h"
#include "frontend/imapd/session.h"

namespace godwit::imapd {
namespace {

metrics::Counter& logins(bool good) {
  static auto& ok = metrics::counter("godwit_imapd_logins_total", "IMAP logins", {{"result", "ok"}});
  static auto& wrong = metrics::counter("godwit_imapd_logins_total", "IMAP logins", {{"result", "wrong"}});
  return good ? ok : wrong;
}

}  // namespace

Task<Reply> Session::log_in(std::string name, std::string password) {
  auto known = co_await context_.directory.authenticate(name, std::move(password));
  if (!known) {
    log::warning("auth_unavailable", {{"session", id_}, {"account", name}, {"error", known.error().text}});
    co_return Reply::no(text::kLoginUnavailable, code::kUnavailable);
  }
  if (!*known) co_return co_await wrong_password(std::move(name));
  directory::Account account = **std::move(known);
  const auto opened = co_await mailboxes().open_account(account.id);
  if (!opened) {
    log::warning("account_unavailable", {{"session", id_}, {"account", account.address.text()}, {"error", opened.error().text}});
    co_return reply_to(opened.error());
  }
  logins(true).add();
  const auto executor = co_await this_executor();
  watch_ = mailboxes().feed().watch(account.id, executor, [this] { on_change(); });
  without_.insert(without_.end(), account.imap_without.begin(), account.imap_without.end());
  account_ = std::move(account);
  state_ = State::authenticated;
  set_reader_limits();
  log::info("authenticated",
            {{"session", id_}, {"peer", remote_.address.text()}, {"account", account_->address.text()}, {"protocol", "imap"}});
  co_return Reply::ok("You are logged in", "[CAPABILITY " + capability_list() + "] ");
}

// The reply to a wrong password and to an unknown user is one and the same; the directory sees to equal times.
Task<Reply> Session::wrong_password(std::string name) {
  logins(false).add();
  ++wrong_passwords_;
  log::info("auth_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"account", name}, {"protocol", "imap"}});
  co_await context_.clock.sleep(settings_->wrong_password_delay * wrong_passwords_);
  if (wrong_passwords_ >= settings_->max_wrong_passwords) {
    say_bye("Too many wrong passwords");
    closing_ = true;
  }
  co_return Reply::no(text::kWrongPassword, code::kAuthenticationFailed);
}

}  // namespace godwit::imapd
