#include "base/bytes.h"
#include "base/encoding.h"
#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.2.2, RFC 4959
Task<Reply> Session::cmd(imap::Authenticate command) {
  if (!may_log_in()) co_return Reply::no(text::kEncryptFirst, code::kPrivacyRequired);
  const auto mechanism = sasl::make_server_mechanism(command.mechanism);
  if (!mechanism) co_return Reply::no("This mechanism is not available");
  std::optional<std::string> initial;
  if (command.initial_response) {
    auto decoded = base64_decode(*command.initial_response);
    if (!decoded) co_return Reply::bad("The initial response is not base64");
    initial = *std::move(decoded);
  }
  Reply failure;
  sasl::Step step = mechanism->start(initial ? std::optional<std::string_view>(*initial) : std::nullopt);
  while (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    std::string bytes = challenge->bytes;
    const auto response = co_await ask(std::move(bytes), failure);
    if (!response) co_return failure;
    step = mechanism->step(*response);
  }
  auto* credentials = std::get_if<sasl::Credentials>(&step);
  if (credentials == nullptr) co_return Reply::bad("The response is malformed");
  // RFC 4616 2: acting for somebody else is not offered
  const bool for_itself = credentials->authzid.empty() || ascii_iequals(credentials->authzid, credentials->authcid);
  if (!for_itself) co_return co_await wrong_password(std::move(credentials->authcid));
  co_return co_await log_in(std::move(credentials->authcid), std::move(credentials->password));
}

// One challenge and what the client says to it; nothing: `failure` is what to answer.
Task<std::optional<std::string>> Session::ask(std::string challenge, Reply& failure) {
  out_.buffer() += "+ " + base64_encode(challenge) + "\r\n";
  const Line line = co_await next_line();
  if (!line) {
    explain_line(line.error());
    failure = Reply::bad("The line is too long");
    closing_ = closing_ || silent_;
    co_return std::nullopt;
  }
  if (*line == "*") {
    failure = Reply::bad("The authentication was cancelled");
    co_return std::nullopt;
  }
  auto response = base64_decode(*line);
  if (!response) {
    failure = Reply::bad("The response is not base64");
    co_return std::nullopt;
  }
  co_return *std::move(response);
}

}  // namespace godwit::imapd
