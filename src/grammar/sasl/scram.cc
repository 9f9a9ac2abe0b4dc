#include "grammar/sasl/scram.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "grammar/sasl/saslprep.h"

namespace godwit::sasl {
namespace {

constexpr std::string_view kHeader = "n,,";         // RFC 5802 7: no channel binding, no authzid
constexpr std::string_view kHeaderBase64 = "biws";  // the same, as it comes back in c=
constexpr std::size_t kMaxNonce = 1'024;
constexpr std::size_t kMaxSalt = 1'024;

Error syntax(std::string rule) { return Error::syntax("SCRAM: " + std::move(rule), 0); }

// RFC 5802 5.1: "," and "=" stand for themselves nowhere in a name
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

// Takes "x=value" and the comma behind it off.
Result<std::string_view> take(std::string_view& message, char attribute) {
  if (message.size() < 2 || message[0] != attribute || message[1] != '=')
    return fail(syntax(std::string("the server's message lacks ") + attribute + "="));
  const std::size_t comma = message.find(',');
  const std::string_view value = message.substr(2, comma == std::string_view::npos ? comma : comma - 2);
  message.remove_prefix(comma == std::string_view::npos ? message.size() : comma + 1);
  return value;
}

// RFC 5802 7: printable = %x21-2B / %x2D-7E
bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

// RFC 5802 7: posit-number
Result<unsigned> parse_iterations(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text.front() == '0')
    return fail(syntax("the number of iterations is none"));
  return value;
}

std::string exclusive_or(std::string a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return a;
}

}  // namespace

std::string scram_salted_password(crypto::Hash hash, std::string_view password, std::string_view salt, unsigned iterations) {
  return crypto::pbkdf2(hash, password, salt, iterations);
}

std::string scram_client_proof(crypto::Hash hash, std::string_view salted_password, std::string_view auth_message) {
  const std::string client_key = crypto::hmac(hash, salted_password, "Client Key");
  const std::string stored_key = crypto::digest(hash, client_key);
  return exclusive_or(client_key, crypto::hmac(hash, stored_key, auth_message));
}

std::string scram_server_signature(crypto::Hash hash, std::string_view salted_password, std::string_view auth_message) {
  return crypto::hmac(hash, crypto::hmac(hash, salted_password, "Server Key"), auth_message);
}

ScramClient::ScramClient(crypto::Hash hash, Credentials credentials, std::string nonce, ScramLimits limits)
    : hash_(hash), credentials_(std::move(credentials)), nonce_(std::move(nonce)), limits_(limits) {
  GODWIT_CHECK(!nonce_.empty() && is_printable(nonce_));
}

// RFC 5802 5.1: name and password are prepared with SASLprep; who has none left has no name.
Result<void> ScramClient::prepare() {
  GODWIT_ASSIGN(credentials_.authcid, saslprep(credentials_.authcid));
  GODWIT_ASSIGN(credentials_.password, saslprep(credentials_.password));
  if (credentials_.authcid.empty() || credentials_.password.empty()) return fail(syntax("the user name or the password is empty"));
  return {};
}

std::optional<std::string> ScramClient::initial_response() {
  if (state_ != State::begin || !prepare()) return std::nullopt;
  state_ = State::first_sent;
  first_bare_ = "n=" + escaped(credentials_.authcid) + ",r=" + nonce_;
  return std::string(kHeader) + first_bare_;
}

Result<std::string> ScramClient::step(std::string_view challenge) {
  const State before = state_;
  state_ = State::failed;  // unless all is well
  if (challenge.size() > kMaxResponse) return fail(Error::permanent(Error::Cause::limit, "SCRAM: the server's message is too long"));
  switch (before) {
    case State::begin: {
      if (!challenge.empty()) return fail(syntax("the server speaks first"));
      GODWIT_TRY(prepare());
      state_ = State::begin;
      auto first = initial_response();
      if (!first) return fail(syntax("the user name or the password cannot be prepared"));
      return *std::move(first);
    }
    case State::first_sent: return answer_first(challenge);
    case State::proof_sent: return check_final(challenge);
    default: return fail(Error::permanent(Error::Cause::conflict, "SCRAM: the exchange is over"));
  }
}

// r=<our nonce><its own>,s=<salt>,i=<iterations>
Result<std::string> ScramClient::answer_first(std::string_view message) {
  const std::string server_first(message);
  if (message.starts_with("m=")) return fail(syntax("the server demands an extension"));  // RFC 5802 5.1: unsupported, so it fails
  GODWIT_ASSIGN(const std::string_view nonce, take(message, 'r'));
  GODWIT_ASSIGN(const std::string_view salt_base64, take(message, 's'));
  GODWIT_ASSIGN(const std::string_view count, take(message, 'i'));
  if (!nonce.starts_with(nonce_) || nonce.size() == nonce_.size() || nonce.size() > kMaxNonce || !is_printable(nonce))
    return fail(syntax("the server's nonce does not continue ours"));
  GODWIT_ASSIGN(const std::string salt, base64_decode(salt_base64));
  if (salt.empty() || salt.size() > kMaxSalt) return fail(syntax("the salt is empty or too long"));
  GODWIT_ASSIGN(const unsigned iterations, parse_iterations(count));
  if (iterations < limits_.least_iterations || iterations > limits_.most_iterations)
    return fail(Error::permanent(Error::Cause::limit, "SCRAM: the server wants " + std::to_string(iterations) + " iterations; we do " +
                                                          std::to_string(limits_.least_iterations) + " to " +
                                                          std::to_string(limits_.most_iterations)));
  const std::string without_proof = "c=" + std::string(kHeaderBase64) + ",r=" + std::string(nonce);
  const std::string auth_message = first_bare_ + "," + server_first + "," + without_proof;
  const std::string salted = scram_salted_password(hash_, credentials_.password, salt, iterations);
  server_signature_ = scram_server_signature(hash_, salted, auth_message);
  state_ = State::proof_sent;
  return without_proof + ",p=" + base64_encode(scram_client_proof(hash_, salted, auth_message));
}

// v=<signature>, or e=<error>
Result<std::string> ScramClient::check_final(std::string_view message) {
  if (message.starts_with("e=")) {
    std::string why(message.substr(2, 60));
    std::ranges::replace_if(why, [](char c) { return c < ' ' || c > '~'; }, '?');
    return fail(Error::permanent(Error::Cause::denied, "SCRAM: the server refuses: " + why));
  }
  GODWIT_ASSIGN(const std::string_view signature_base64, take(message, 'v'));
  GODWIT_ASSIGN(const std::string signature, base64_decode(signature_base64));
  if (!crypto::constant_time_equal(signature, server_signature_))
    return fail(
        Error::permanent(Error::Cause::denied, "SCRAM: the server does not know the password itself: it is not whom we took it for"));
  state_ = State::verified;
  return std::string();
}

}  // namespace godwit::sasl
