#pragma once
// Digital signatures and the hash they are made of: what DKIM and its kin sign and verify with (RFC 6376, RFC 8463).
//
// Keys are values that share what they hold: a copy costs a pointer, and any number of threads may use them at once. A Sha256
// belongs to one user at a time. Verifying is quick (RSA of 2,048 bits: some 30 us). Signing with RSA takes about a millisecond and
// generating an RSA key up to a second: both belong on the blocking pool.
// Errors are permanent: `syntax` (not a key), `unsupported` (a key of another kind), `limit` (beyond the sizes below).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace godwit::crypto {

// SHA-256 of bytes that come in pieces. A copy goes on from where the original stood.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256& other);
  ~Sha256();

  void update(std::string_view bytes);
  std::string digest() const;  // of what came so far: 32 bytes. More may follow

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

enum class KeyType : std::uint8_t { rsa, ed25519 };

// Larger RSA keys are refused. What is large enough to be trusted is for the caller to say.
inline constexpr unsigned kMaxRsaBits = 8'192;
inline constexpr std::size_t kEd25519Bytes = 32;  // of a public key and of a seed

class PublicKey {
 public:
  // DER of an RSAPublicKey (RFC 8017 A.1.1) or of a SubjectPublicKeyInfo that holds one (RFC 5280 4.1.2.7).
  // Public exponents that are even, 1, or longer than 32 bits are refused (RFC 6376 8.13).
  static Result<PublicKey> rsa_from_der(std::string_view der);
  static Result<PublicKey> ed25519_from_bytes(std::string_view bytes);  // the 32 bytes of RFC 8032 5.1.5

  KeyType type() const;
  unsigned bits() const;         // RSA: of the modulus; Ed25519: 256
  std::string to_bytes() const;  // RSA: SubjectPublicKeyInfo in DER; Ed25519: the 32 bytes

  // `digest` is the SHA-256 of what was signed. RSA: RSASSA-PKCS1-v1_5 with it (RFC 8017 8.2.2); Ed25519: PureEdDSA over the 32
  // bytes of the digest (RFC 8463 3). False for whatever does not verify.
  bool verify(std::string_view digest, std::string_view signature) const;

 private:
  friend class PrivateKey;
  struct Held;
  explicit PublicKey(std::shared_ptr<const Held> held) : held_(std::move(held)) {}
  std::shared_ptr<const Held> held_;
};

class PrivateKey {
 public:
  // The first private key of a PEM text: PKCS#8 ("PRIVATE KEY") or PKCS#1 ("RSA PRIVATE KEY"), RSA or Ed25519. One that is
  // locked with a passphrase is refused: nobody is asked.
  static Result<PrivateKey> from_pem(std::string_view pem);
  static Result<PrivateKey> ed25519_from_seed(std::string_view seed);  // the 32 bytes of RFC 8032 5.1.5
  static Result<PrivateKey> generate_rsa(unsigned bits);               // exponent 65537; the library's own randomness
  static PrivateKey generate_ed25519(Random& random);

  KeyType type() const { return public_key_.type(); }
  unsigned bits() const { return public_key_.bits(); }
  const PublicKey& public_key() const { return public_key_; }
  std::string to_pem() const;  // PKCS#8, not encrypted

  // The signature that public_key().verify(digest, ...) takes: RSA as many bytes as the modulus, Ed25519 64.
  Result<std::string> sign(std::string_view digest) const;

 private:
  explicit PrivateKey(PublicKey both) : public_key_(std::move(both)) {}
  PublicKey public_key_;  // holds the private half too, which its own interface never shows
};

}  // namespace godwit::crypto
