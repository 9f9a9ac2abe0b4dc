#pragma once
// LOGIN (draft-murchison-sasl-login): user name and password one after the other. Many devices and old Outlooks know
// nothing else. For one exchange, one loop.

#include <string>

#include "grammar/sasl/mechanism.h"

namespace godwit::sasl {

class LoginServer final : public ServerMechanism {
 public:
  // Clients may send the user name along with the command (Outlook does); the draft has no initial response.
  Step start(std::optional<std::string_view> initial_response) override;
  Step step(std::string_view response) override;

 private:
  enum class State { begin, name, password, done };
  State state_ = State::begin;
  std::string name_;
};

class LoginClient final : public ClientMechanism {
 public:
  explicit LoginClient(Credentials credentials) : credentials_(std::move(credentials)) {}
  std::string_view name() const override { return "LOGIN"; }
  std::optional<std::string> initial_response() override { return std::nullopt; }
  // The first challenge is answered with the name, the second with the password, whatever they say (draft 2: the client
  // should not depend on their text).
  Result<std::string> step(std::string_view challenge) override;

 private:
  Credentials credentials_;
  int answered_ = 0;
};

}  // namespace godwit::sasl
