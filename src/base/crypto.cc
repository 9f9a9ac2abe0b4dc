#include "base/crypto.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <memory>

namespace godwit::crypto {
namespace {

constexpr unsigned long long kArgonOperations = 2;
constexpr std::size_t kArgonMemory = std::size_t{19} * 1024 * 1024;

const EVP_MD* fetched_sha256() {
  // implicit fetching costs as much as the hash itself
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

const EVP_MD* fetched_sha1() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return md;
}

const EVP_MD* fetched(Hash hash) { return hash == Hash::sha1 ? fetched_sha1() : fetched_sha256(); }

bool verify_crypt(std::string_view password, const std::string& hash) {
  auto data = std::make_unique<crypt_data>();
  const std::string secret(password);
  const char* const made = crypt_r(secret.c_str(), hash.c_str(), data.get());
  return made != nullptr && made[0] != '*' && constant_time_equal(made, hash);
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  GODWIT_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, fetched_sha256(), nullptr) == 1);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  GODWIT_CHECK(HMAC(fetched_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
  return out;
}

std::string digest(Hash hash, std::string_view bytes) {
  const EVP_MD* const md = fetched(hash);
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(md)), '\0');
  unsigned size = 0;
  GODWIT_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, md, nullptr) == 1);
  return out;
}

std::string hmac(Hash hash, std::string_view key, std::string_view bytes) {
  const EVP_MD* const md = fetched(hash);
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(md)), '\0');
  unsigned size = 0;
  GODWIT_CHECK(HMAC(md, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
  return out;
}

std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, unsigned iterations) {
  const EVP_MD* const md = fetched(hash);
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(md)), '\0');
  GODWIT_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(salt.data()),
                                 static_cast<int>(salt.size()), static_cast<int>(iterations), md, static_cast<int>(out.size()),
                                 reinterpret_cast<unsigned char*>(out.data())) == 1);
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> hash_password(std::string_view password) {
  GODWIT_CHECK(sodium_init() >= 0);
  char out[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str_alg(out, password.data(), password.size(), kArgonOperations, kArgonMemory, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(Error::temporary(Error::Cause::limit, "not enough memory to hash a password"));
  return std::string(out);
}

bool verify_password(std::string_view password, std::string_view hash) {
  GODWIT_CHECK(sodium_init() >= 0);
  const std::string stored(hash);
  if (stored.starts_with("$argon2")) return crypto_pwhash_str_verify(stored.c_str(), password.data(), password.size()) == 0;
  if (!stored.starts_with("$") || password.contains('\0')) return false;
  return verify_crypt(password, stored);
}

}  // namespace godwit::crypto
