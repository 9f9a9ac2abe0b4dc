#pragma once
// SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677), the client's side, without channel binding. For one exchange, one loop.
//
// The password never goes over the wire, and the server has to prove that it knows it too: satisfied() says whether it has.
// The step that answers the server's first message derives a key (PBKDF2), which takes a millisecond or more: on the blocking pool.

#include <string>
#include <string_view>

#include "base/crypto.h"
#include "grammar/sasl/mechanism.h"

namespace godwit::sasl {

// What the server may ask of us: fewer iterations give the password away cheaply (RFC 7677 4), more keep a thread busy for a second.
struct ScramLimits {
  unsigned least_iterations = 4'096;
  unsigned most_iterations = 1'000'000;
};

class ScramClient final : public ClientMechanism {
 public:
  // `nonce`: printable, without a comma, not used before (RFC 5802 5.1).
  ScramClient(crypto::Hash hash, Credentials credentials, std::string nonce, ScramLimits limits = {});

  std::string_view name() const override { return hash_ == crypto::Hash::sha1 ? "SCRAM-SHA-1" : "SCRAM-SHA-256"; }
  // Absent when name or password cannot be prepared (RFC 4013); step() has the error then.
  std::optional<std::string> initial_response() override;
  // Errors: `syntax` for what the mechanism forbids, `limit`, `denied` when the server refuses ("e=") or is not who knows the password,
  // `conflict` for a step after the end.
  Result<std::string> step(std::string_view challenge) override;
  bool satisfied() const override { return state_ == State::verified; }

 private:
  enum class State : std::uint8_t { begin, first_sent, proof_sent, verified, failed };

  Result<void> prepare();
  Result<std::string> answer_first(std::string_view message);
  Result<std::string> check_final(std::string_view message);

  const crypto::Hash hash_;
  Credentials credentials_;
  const std::string nonce_;
  const ScramLimits limits_;
  State state_ = State::begin;
  std::string first_bare_;        // client-first-message-bare
  std::string server_signature_;  // what the server must send
};

// The three values of RFC 5802 3, for both sides.
std::string scram_salted_password(crypto::Hash hash, std::string_view password, std::string_view salt, unsigned iterations);
std::string scram_client_proof(crypto::Hash hash, std::string_view salted_password, std::string_view auth_message);
std::string scram_server_signature(crypto::Hash hash, std::string_view salted_password, std::string_view auth_message);

}  // namespace godwit::sasl
