#include "grammar/sasl/login.h"

#include "grammar/sasl/plain.h"

namespace godwit::sasl {
namespace {

// draft-murchison-sasl-login 2.2: one widely deployed client wants exactly these words
constexpr std::string_view kAskName = "Username:";
constexpr std::string_view kAskPassword = "Password:";

}  // namespace

Step LoginServer::start(std::optional<std::string_view> initial_response) {
  if (state_ != State::begin) return Error::permanent(Error::Cause::conflict, "the exchange has begun already");
  state_ = State::name;
  // An empty initial response is no name: ask for it.
  if (!initial_response || initial_response->empty()) return Challenge{std::string(kAskName)};
  return step(*initial_response);
}

Step LoginServer::step(std::string_view response) {
  const State before = state_;
  state_ = State::done;  // unless the name is good
  if (response.size() > kMaxResponse) return Error::permanent(Error::Cause::limit, "the response is too long");
  if (before == State::name) {
    if (response.empty()) return Error::syntax("the user name is empty", 0);
    if (response.size() > kMaxName) return Error::permanent(Error::Cause::limit, "the user name is too long");
    if (!is_sasl_text(response)) return Error::syntax("the user name is not UTF-8", 0);
    name_ = std::string(response);
    state_ = State::password;
    return Challenge{std::string(kAskPassword)};
  }
  if (before == State::password) {
    if (response.empty()) return Error::syntax("the password is empty", 0);
    if (response.size() > kMaxPassword) return Error::permanent(Error::Cause::limit, "the password is too long");
    // draft-murchison-sasl-login 2: arbitrary bytes but NUL, CR and LF
    if (const auto bad = response.find_first_of(std::string_view("\0\r\n", 3)); bad != std::string_view::npos)
      return Error::syntax("the password holds NUL, CR or LF", bad);
    return Credentials{{}, std::move(name_), std::string(response)};
  }
  return Error::permanent(Error::Cause::conflict, "the exchange is over");
}

Result<std::string> LoginClient::step(std::string_view /*challenge*/) {
  switch (answered_++) {
    case 0: return credentials_.authcid;
    case 1: return credentials_.password;
    default: return fail(Error::permanent(Error::Cause::conflict, "the server asks for more than name and password"));
  }
}

}  // namespace godwit::sasl
