#pragma once
// A key that signs for a domain, and what its domain publishes. Values that share the key; any thread. Generating RSA takes up
// to a second: on the blocking pool.

#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/signature.h"

namespace godwit::dkim {

class SigningKey {
 public:
  // Errors are permanent and name what is wrong: domain or selector is no name, an RSA key has fewer than 1,024 bits (RFC 8301 3.2).
  static godwit::Result<SigningKey> create(std::string_view domain, std::string_view selector, crypto::PrivateKey key);
  // `pem`: PKCS#8 or PKCS#1, RSA or Ed25519, not locked with a passphrase.
  static godwit::Result<SigningKey> from_pem(std::string_view domain, std::string_view selector, std::string_view pem);

  const std::string& domain() const { return domain_; }      // d=, A-labels, lower case
  const std::string& selector() const { return selector_; }  // s=
  std::string_view algorithm() const;                        // a=
  bool slow() const { return key_.type() == crypto::KeyType::rsa; }
  const crypto::PrivateKey& key() const { return key_; }

  std::string record_name() const;  // "selector._domainkey.domain"
  std::string record() const;       // the TXT record's text; whoever prints it splits it into strings of 255

 private:
  SigningKey(std::string domain, std::string selector, crypto::PrivateKey key)
      : domain_(std::move(domain)), selector_(std::move(selector)), key_(std::move(key)) {}

  std::string domain_;
  std::string selector_;
  crypto::PrivateKey key_;
};

// New keys; `to_pem()` of them is what from_pem() takes.
// RFC 8301 3.2: "Signers SHOULD use RSA keys of at least 2048 bits"; longer ones do not fit into answers over UDP.
inline constexpr unsigned kRsaBits = 2'048;
godwit::Result<crypto::PrivateKey> generate_rsa_key();
crypto::PrivateKey generate_ed25519_key(Random& random);

}  // namespace godwit::dkim
