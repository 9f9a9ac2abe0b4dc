#pragma once
// Signing a message while it streams by (RFC 6376 5, RFC 8463): one pass, any number of keys.
//
//   dkim::Signer signer(keys, options, clock.now());
//   signer.feed(bytes);                                      // the message from its first byte, in pieces cut anywhere
//   auto prepared = signer.finish();                         // hashes; quick
//   auto fields = co_await pool.run([prepared = *std::move(prepared)] { return dkim::sign(prepared); });   // RSA; or sign() here
//   // *fields stands in front of the message, before any other DKIM-Signature
//
// Owned by one transaction. Memory: the header (HeaderFields::kMaxBytes at most), never the body. The message goes out exactly as it
// was fed, with CRLF line ends (RFC 6376 5.3); what is put in front of it afterwards (Received, Return-Path) does no harm.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "check/dkim/canonical.h"
#include "check/dkim/signed_fields.h"
#include "check/dkim/signing_key.h"

namespace godwit::dkim {

struct SignOptions {
  std::vector<FieldRule> fields = default_field_rules();  // From must be among them
  // Relaxed survives what relays do to white space, and no more.
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  std::optional<std::chrono::seconds> lifetime;  // x=, from now on; without: no end. Greater than 0
};

// Fields that lack nothing but their signatures. A value; any thread.
class PreparedSignatures {
 public:
  bool empty() const { return fields_.empty(); }  // there were no keys
  bool slow() const;                              // there is RSA work: some milliseconds; else 0.1 ms

 private:
  friend class Signer;
  friend godwit::Result<std::string> sign(const PreparedSignatures& prepared);
  struct Field {
    std::string text;  // up to "b="
    std::string hash;  // what is signed
    crypto::PrivateKey key;
  };
  std::vector<Field> fields_;
};

// The DKIM-Signature fields, one a key, in the order of the keys, each ended by CRLF. Lines have at most 77 columns, unless the
// domain alone is longer. A plain function without state, for the caller to run where it likes.
godwit::Result<std::string> sign(const PreparedSignatures& prepared);

class Signer {
 public:
  // Each key makes a signature. To have both algorithms: an Ed25519 and an RSA key under different selectors (RFC 8463 6); the better
  // one first.
  Signer(std::vector<SigningKey> keys, SignOptions options, WallTime now);
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  void feed(std::string_view bytes);

  // The message is over. Once. Permanent errors, which leave the message as it is and unsigned: it does not have exactly one From
  // field (RFC 6376 5.4, RFC 5322 3.6), it begins with white space (a field in front would swallow that line), or its header is
  // beyond the limits.
  godwit::Result<PreparedSignatures> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::dkim
