#include <algorithm>

#include "base/bytes.h"
#include "base/encoding.h"
#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 5034 4. Without a mechanism, as old clients ask: the list.
Task<> Session::cmd_auth(pop3::Command command) {
  if (command.text.empty()) {
    ok("");
    if (may_log_in()) {
      for (const auto mechanism : kMechanisms) out_ += std::string(mechanism) + "\r\n";
    }
    out_ += ".\r\n";
    co_return;
  }
  if (!may_log_in()) co_return err(text::kEncryptFirst);
  if (std::ranges::find(kMechanisms, command.text) == std::end(kMechanisms)) co_return err(text::kUnknownMechanism);
  reader_.set_max_line(settings_->max_auth_line);
  auto credentials = co_await exchange(std::move(command));
  reader_.set_max_line(settings_->max_command_line);
  if (!credentials) co_return;
  // RFC 4616 2: acting for somebody else is not offered
  const bool for_itself = credentials->authzid.empty() || ascii_iequals(credentials->authzid, credentials->authcid);
  if (!for_itself) co_return co_await wrong_password(std::move(credentials->authcid));
  co_await log_in(std::move(credentials->authcid), std::move(credentials->password));
}

// Nothing: it failed, and that is said.
Task<std::optional<sasl::Credentials>> Session::exchange(pop3::Command command) {
  std::optional<std::string> initial;
  if (command.initial_response) {
    auto decoded = base64_decode(*command.initial_response);
    if (!decoded) {
      protocol_error(text::kNotBase64);
      co_return std::nullopt;
    }
    initial = *std::move(decoded);
  }
  const auto mechanism = sasl::make_server_mechanism(command.text);
  sasl::Step step = mechanism->start(initial ? std::optional<std::string_view>(*initial) : std::nullopt);
  while (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    std::string bytes = challenge->bytes;
    const auto response = co_await ask(std::move(bytes));
    if (!response) co_return std::nullopt;
    step = mechanism->step(*response);
  }
  if (auto* credentials = std::get_if<sasl::Credentials>(&step)) co_return std::move(*credentials);
  protocol_error(text::kAuthMalformed);
  co_return std::nullopt;
}

// One challenge and what the client says to it.
Task<std::optional<std::string>> Session::ask(std::string challenge) {
  out_ += "+ " + base64_encode(challenge) + "\r\n";
  const Line line = co_await next_line();
  if (!line) {
    explain_line(line.error());
    co_return std::nullopt;
  }
  if (*line == "*") {
    err(text::kAuthCancelled);
    co_return std::nullopt;
  }
  auto response = base64_decode(*line);
  if (!response) {
    protocol_error(text::kNotBase64);
    co_return std::nullopt;
  }
  co_return *std::move(response);
}

}  // namespace godwit::pop3d
