// SCRAM's client against arbitrary messages of a server, a line each: no crash, and nobody is believed who does not know the password.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/sasl/saslprep.h"
#include "grammar/sasl/scram.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const auto hash = (rest[0] & 1) != 0 ? crypto::Hash::sha1 : crypto::Hash::sha256;
  rest.remove_prefix(1);
  if (const auto prepared = sasl::saslprep(rest.substr(0, 300)))
    if (const auto again = sasl::saslprep(*prepared); again && *again != *prepared) std::abort();  // RFC 3454 4: stable under NFKC
  sasl::ScramClient client(hash, {"", "user", "pencil"}, "rOprNGfwEbeRWgbNEkqO", {1, 64});
  if (!client.initial_response()) std::abort();
  for (int steps = 0; steps < 4; ++steps) {
    const auto end = rest.find('\n');
    const auto said = client.step(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!said && client.satisfied()) std::abort();
    if (!said) break;
    // No input of this size guesses an HMAC.
    if (client.satisfied()) std::abort();
  }
  return 0;
}
