#include "check/dkim/signing_key.h"

#include <fmt/format.h>

#include "check/dkim/key_lookup.h"
#include "check/dkim/key_record.h"
#include "check/dkim/names.h"

namespace godwit::dkim {
namespace {

constexpr unsigned kLeastRsaBits = 1'024;

}  // namespace

godwit::Result<SigningKey> SigningKey::create(std::string_view domain, std::string_view selector, crypto::PrivateKey key) {
  auto d = parse_dns_name(domain, 2);
  if (!d) return fail(Error::permanent(Error::Cause::syntax, fmt::format("'{}' is no domain to sign for: {}", domain, d.error().text)));
  auto s = parse_dns_name(selector, 1);
  if (!s) return fail(Error::permanent(Error::Cause::syntax, fmt::format("'{}' is no selector: {}", selector, s.error().text)));
  // RFC 8301 3.2: Signers MUST use RSA keys of at least 1024 bits
  if (key.type() == crypto::KeyType::rsa && key.bits() < kLeastRsaBits)
    return fail(Error::permanent(Error::Cause::limit, fmt::format("an RSA key of {} bits is too small to sign with", key.bits())));
  return SigningKey(*std::move(d), *std::move(s), std::move(key));
}

godwit::Result<SigningKey> SigningKey::from_pem(std::string_view domain, std::string_view selector, std::string_view pem) {
  GODWIT_ASSIGN(auto key, crypto::PrivateKey::from_pem(pem));
  return create(domain, selector, std::move(key));
}

std::string_view SigningKey::algorithm() const { return key_.type() == crypto::KeyType::rsa ? "rsa-sha256" : "ed25519-sha256"; }

std::string SigningKey::record_name() const { return key_name(selector_, domain_); }

std::string SigningKey::record() const { return format_key_record(key_.public_key()); }

godwit::Result<crypto::PrivateKey> generate_rsa_key() { return crypto::PrivateKey::generate_rsa(kRsaBits); }

crypto::PrivateKey generate_ed25519_key(Random& random) { return crypto::PrivateKey::generate_ed25519(random); }

}  // namespace godwit::dkim
