#include "base/bytes.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/net/deadline_stream.h"
#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {
namespace {

metrics::Counter& failures() {
  static metrics::Counter& counter = metrics::counter("godwit_smtpd_auth_failures_total", "AUTH with wrong credentials");
  return counter;
}

}  // namespace

// RFC 4954 4
Task<Session::Reply> Session::cmd_auth(std::string_view arguments) {
  if (auto refusal = may_authenticate()) co_return *std::move(refusal);
  auto auth = smtp::parse_auth(arguments);
  if (!auth) co_return auth.error().reply();
  std::string mechanism = auth->mechanism;
  auto request = *std::move(auth);
  auto credentials = co_await exchange(std::move(request));
  if (!credentials) co_return std::move(credentials).error();
  auto claimed = *std::move(credentials);
  co_return co_await check_credentials(std::move(claimed), std::move(mechanism));
}

std::optional<Session::Reply> Session::may_authenticate() const {
  if (role_ == Role::mx) return replies::auth_not_offered();
  if (!stream_->tls()) return replies::encryption_required();
  if (!hello_) return replies::hello_first();
  if (account_) return replies::authenticated_already();
  if (transaction_) return replies::auth_in_transaction();
  return std::nullopt;
}

Task<std::expected<sasl::Credentials, Session::Reply>> Session::exchange(smtp::Auth auth) {
  const auto mechanism = sasl::make_server_mechanism(auth.mechanism);
  if (!mechanism) co_return std::unexpected(replies::unknown_mechanism());
  std::optional<std::string_view> initial;
  if (auth.initial_response) initial = *auth.initial_response;
  sasl::Step step = mechanism->start(initial);
  while (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    auto bytes = std::move(challenge->bytes);
    const auto response = co_await ask(std::move(bytes));
    if (!response) co_return std::unexpected(response.error());
    step = mechanism->step(*response);
  }
  if (auto* credentials = std::get_if<sasl::Credentials>(&step)) co_return std::move(*credentials);
  const auto& error = std::get<Error>(step);
  co_return std::unexpected(error.cause == Error::Cause::limit ? replies::auth_line_too_long() : replies::auth_malformed());
}

// One 334 and what the client says to it.
Task<std::expected<std::string, Session::Reply>> Session::ask(std::string challenge) {
  answer(Reply{334, {}, base64_encode(challenge)}, "AUTH");
  auto line = co_await next_line();
  if (!line && line.error().cause == Error::Cause::limit) co_return std::unexpected(replies::auth_line_too_long());
  if (!line) co_return std::unexpected(explain_line(line.error()));
  if (*line == "*") co_return std::unexpected(replies::auth_cancelled());
  auto response = base64_decode(*line);
  if (!response) co_return std::unexpected(replies::auth_not_base64());
  co_return *std::move(response);
}

// The reply to a wrong password and to an unknown user is one and the same; the directory sees to equal times.
Task<Session::Reply> Session::check_credentials(sasl::Credentials credentials, std::string mechanism) {
  std::string login = credentials.authcid;
  const bool for_itself = credentials.authzid.empty() || ascii_iequals(credentials.authzid, login);
  auto known = co_await context_.directory.authenticate(login, std::move(credentials.password));
  if (!known) {
    log::warning("auth_unavailable", {{"session", id_}, {"account", login}, {"error", known.error().text}});
    co_return replies::auth_unavailable();
  }
  if (*known && for_itself) {
    account_ = **std::move(known);
    reader_.set_max_line(settings_->max_command_line);
    log::info("authenticated", {{"session", id_}, {"peer", remote_.address.text()}, {"account", login}, {"mechanism", mechanism}});
    co_return replies::authenticated();
  }
  failures().add();
  ++auth_failures_;
  log::info("auth_failed", {{"session", id_}, {"peer", remote_.address.text()}, {"account", login}, {"mechanism", mechanism}});
  if (!exempt_) co_await context_.clock.sleep(settings_->auth_failure_delay * auth_failures_);
  if (auth_failures_ < settings_->max_auth_failures) co_return replies::bad_credentials();
  closing_ = true;
  co_return replies::too_many_failures();
}

}  // namespace godwit::smtpd
