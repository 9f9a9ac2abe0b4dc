#pragma once
// SASL mechanisms as step functions (RFC 4422), both sides: bytes in, bytes out, no I/O. Base64 is the protocol's business.
//
// One object serves one exchange. Owned by the session, one loop. Responses over 12,288 bytes are refused (RFC 4954 4).

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace godwit::sasl {

inline constexpr std::size_t kMaxResponse = 12'288;
inline constexpr std::size_t kMaxName = 255;  // authzid, authcid: RFC 4616 2 allows any, accounts are shorter
inline constexpr std::size_t kMaxPassword = 1'024;

struct Challenge {
  std::string bytes;
};

// Who wants in, to be checked by the directory. `authzid` is empty when the client acts for itself.
struct Credentials {
  std::string authzid;
  std::string authcid;
  std::string password;
};

// An Error ends the exchange: `syntax` for what the mechanism forbids, `limit`, `conflict` for a step after the end.
using Step = std::variant<Challenge, Credentials, Error>;

class ServerMechanism {
 public:
  virtual ~ServerMechanism() = default;
  // `initial_response`: absent when the client sent none; present and empty for "=" (RFC 4954 4).
  virtual Step start(std::optional<std::string_view> initial_response) = 0;
  virtual Step step(std::string_view response) = 0;
};

class ClientMechanism {
 public:
  virtual ~ClientMechanism() = default;
  virtual std::string_view name() const = 0;
  // What goes with the AUTH command; absent: nothing, wait for the first challenge.
  virtual std::optional<std::string> initial_response() = 0;
  virtual Result<std::string> step(std::string_view challenge) = 0;
  // Nothing is left to be said on our side: success may be believed. A mechanism in which the server proves itself waits for that.
  virtual bool satisfied() const { return true; }
};

// "PLAIN", "LOGIN" in any case; null for what we do not have.
std::unique_ptr<ServerMechanism> make_server_mechanism(std::string_view name);
// Also "SCRAM-SHA-256" and "SCRAM-SHA-1"; they need a `nonce` (scram.h).
std::unique_ptr<ClientMechanism> make_client_mechanism(std::string_view name, Credentials credentials, std::string nonce = {});

// What a client can do, the strongest first. The last two send the password as it is: inside TLS alone.
inline constexpr std::array<std::string_view, 4> kClientMechanisms{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"};
bool sends_the_password(std::string_view mechanism);

}  // namespace godwit::sasl
