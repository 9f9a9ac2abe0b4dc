#pragma once
// Hashes, HMAC, password hashes and secrets; the only user of OpenSSL's and libsodium's primitives below edge/tls.
// Any thread. hash_password and verify_password take some 14 ms and 19 MiB each: on the blocking pool alone.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace godwit::crypto {

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
// The hashes of SCRAM (RFC 5802, 7677): SHA-1 is for peers that know nothing better.
enum class Hash : std::uint8_t { sha1, sha256 };
std::string digest(Hash hash, std::string_view bytes);                      // 20 or 32 bytes
std::string hmac(Hash hash, std::string_view key, std::string_view bytes);  // the same
// PBKDF2 with HMAC (RFC 8018 5.2), one block: as long as the hash. 4,096 iterations take some 2 ms: on the blocking pool alone.
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, unsigned iterations);
bool constant_time_equal(std::string_view a, std::string_view b);

// argon2id, t = 2, m = 19 MiB (OWASP's second choice), as "$argon2id$..." text.
Result<std::string> hash_password(std::string_view password);
// Understands argon2id and, for imported accounts, every scheme of crypt(3) ($6$, $y$, $2b$ ...). Anything else is false.
bool verify_password(std::string_view password, std::string_view hash);

}  // namespace godwit::crypto
