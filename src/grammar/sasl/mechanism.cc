#include "grammar/sasl/mechanism.h"

#include "base/bytes.h"
#include "grammar/sasl/login.h"
#include "grammar/sasl/plain.h"
#include "grammar/sasl/scram.h"

namespace godwit::sasl {
namespace {

class PlainServer final : public ServerMechanism {
 public:
  Step start(std::optional<std::string_view> initial_response) override {
    if (initial_response) return step(*initial_response);
    return Challenge{};
  }

  Step step(std::string_view response) override {
    if (done_) return Error::permanent(Error::Cause::conflict, "the exchange is over");
    done_ = true;
    auto credentials = parse_plain(response);
    if (!credentials) return std::move(credentials).error();
    return *std::move(credentials);
  }

 private:
  bool done_ = false;
};

class PlainClient final : public ClientMechanism {
 public:
  explicit PlainClient(Credentials credentials) : credentials_(std::move(credentials)) {}
  std::string_view name() const override { return "PLAIN"; }

  std::optional<std::string> initial_response() override {
    sent_ = true;
    return build_plain(credentials_);
  }

  // A server that did not take the initial response asks with an empty challenge.
  Result<std::string> step(std::string_view challenge) override {
    if (sent_ || !challenge.empty()) return fail(Error::permanent(Error::Cause::conflict, "PLAIN has one message only"));
    sent_ = true;
    return build_plain(credentials_);
  }

 private:
  Credentials credentials_;
  bool sent_ = false;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_server_mechanism(std::string_view name) {
  if (ascii_iequals(name, "PLAIN")) return std::make_unique<PlainServer>();
  if (ascii_iequals(name, "LOGIN")) return std::make_unique<LoginServer>();
  return nullptr;
}

std::unique_ptr<ClientMechanism> make_client_mechanism(std::string_view name, Credentials credentials, std::string nonce) {
  if (ascii_iequals(name, "PLAIN")) return std::make_unique<PlainClient>(std::move(credentials));
  if (ascii_iequals(name, "LOGIN")) return std::make_unique<LoginClient>(std::move(credentials));
  if (ascii_iequals(name, "SCRAM-SHA-256"))
    return std::make_unique<ScramClient>(crypto::Hash::sha256, std::move(credentials), std::move(nonce));
  if (ascii_iequals(name, "SCRAM-SHA-1"))
    return std::make_unique<ScramClient>(crypto::Hash::sha1, std::move(credentials), std::move(nonce));
  return nullptr;
}

bool sends_the_password(std::string_view mechanism) { return !mechanism.starts_with("SCRAM-"); }

}  // namespace godwit::sasl
