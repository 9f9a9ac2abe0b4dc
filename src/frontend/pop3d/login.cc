// From a name and a password to an open maildrop, for PASS and AUTH alike.

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {
namespace {

metrics::Counter& logins(std::string_view result) {
  static auto& good = metrics::counter("godwit_pop3d_logins_total", "POP3 logins", {{"result", "ok"}});
  static auto& bad = metrics::counter("godwit_pop3d_logins_total", "POP3 logins", {{"result", "wrong"}});
  static auto& early = metrics::counter("godwit_pop3d_logins_total", "POP3 logins", {{"result", "early"}});
  if (result == "early") return early;
  return result == "ok" ? good : bad;
}

}  // namespace

Task<> Session::log_in(std::string name, std::string password) {
  auto known = co_await context_.directory.authenticate(name, std::move(password));
  if (!known) {
    log::warning("auth_unavailable", {{"session", id_}, {"account", name}, {"error", known.error().text}});
    co_return err(text::kLoginUnavailable);
  }
  if (!*known) co_return co_await wrong_password(std::move(name));
  directory::Account account = **std::move(known);
  // RFC 2449 8.1.1: only to who has the password, else it would tell that there is such a user
  if (!context_.login_delays.admit(account.id, context_.clock.steady(), settings_->login_delay)) {
    logins("early").add();
    log::info("login_too_early", {{"session", id_}, {"peer", remote_.address.text()}, {"account", name}, {"protocol", "pop3"}});
    co_return err(text::kTooEarly);
  }
  logins("ok").add();
  co_await open_maildrop(std::move(account));
}

// RFC 1939 4: the server acquires the maildrop. Here it takes a snapshot and locks nothing: who deletes what another session
// has deleted does no harm.
Task<> Session::open_maildrop(directory::Account account) {
  auto snapshot = co_await context_.mailboxes.snapshot(account.id, mailbox::kInbox);
  if (!snapshot) {
    log::warning("maildrop_unavailable", {{"session", id_}, {"account", account.address.text()}, {"error", snapshot.error().text}});
    context_.login_delays.take_back(account.id);  // RFC 2449 6.5: the delay begins with +OK
    co_return err(snapshot.error().cause == Error::Cause::not_found ? text::kMaildropGone : text::kMaildropUnavailable);
  }
  uid_validity_ = snapshot->uid_validity;
  messages_.reserve(snapshot->messages.size());
  for (const auto& each : snapshot->messages) messages_.push_back({.uid = each.uid, .email = each.email, .size = each.size});
  state_ = State::transaction;
  account_ = std::move(account);
  reader_.set_max_line(settings_->max_command_line);
  log::info("authenticated",
            {{"session", id_}, {"peer", remote_.address.text()}, {"account", account_->address.text()}, {"protocol", "pop3"}});
  const Totals all = totals();
  ok(fmt::format("{} messages ({} octets)", all.messages, all.octets));
}

// The reply to a wrong password and to an unknown user is one and the same; the directory sees to equal times.
Task<> Session::wrong_password(std::string name) {
  logins("wrong").add();
  ++wrong_passwords_;
  log::info("auth_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"account", name}, {"protocol", "pop3"}});
  co_await context_.clock.sleep(settings_->wrong_password_delay * wrong_passwords_);
  if (wrong_passwords_ < settings_->max_wrong_passwords) co_return err(text::kWrongPassword);
  err(text::kTooManyWrongPasswords);
  closing_ = true;
}

}  // namespace godwit::pop3d
