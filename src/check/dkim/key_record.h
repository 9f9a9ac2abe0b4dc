#pragma once
// The record that publishes a key: "v=DKIM1; k=rsa; p=..." (RFC 6376 3.6.1, RFC 8463 4.2), read and written. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/signature.h"

namespace godwit::dkim {

struct KeyRecord {
  std::string key_type = "rsa";            // k=
  std::vector<std::string> hashes;         // h=; empty: any
  std::vector<std::string> services{"*"};  // s=
  std::string notes;                       // n=, as it stands
  std::string key;                         // p=, decoded; empty: revoked
  bool testing = false;                    // t=y
  bool same_domain = false;                // t=s: the domain of i= is d= itself

  bool revoked() const { return key.empty(); }
  bool takes_hash(std::string_view hash) const;  // "sha256"
  bool for_email() const;

  // p= as k= says: RSA as RSAPublicKey or SubjectPublicKeyInfo, Ed25519 as 32 bytes. Permanent errors, also for other types.
  godwit::Result<crypto::PublicKey> public_key() const;
};

// `text` is a TXT record, its strings joined. Errors are `syntax`: the record is none of this kind or is malformed, and is not to
// be used (RFC 6376 6.1.2). Unknown tags, services, flags and hashes pass; g= of RFC 4871 is one of the unknown tags.
godwit::Result<KeyRecord> parse_key_record(std::string_view text);

// The text of the TXT record that publishes `key`. Longer than 255 bytes for RSA of 2,048 bits: whoever prints it splits it into
// strings (RFC 6376 3.6.2.2).
std::string format_key_record(const crypto::PublicKey& key);

}  // namespace godwit::dkim
