#pragma once
// The DKIM-Signature header field as typed values (RFC 6376 3.5). Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/dkim/canonical.h"
#include "check/dkim/verdict.h"

namespace godwit::dkim {

inline constexpr std::string_view kSignatureField = "dkim-signature";

enum class Algorithm : std::uint8_t {
  rsa_sha256,      // RFC 6376 3.3.2
  ed25519_sha256,  // RFC 8463 3
  other            // among them rsa-sha1, which never verifies (RFC 8301 3.1)
};

struct Signature {
  std::string algorithm_name;  // a= as it stands
  Algorithm algorithm = Algorithm::other;
  std::string data;       // b=
  std::string data_text;  // b=, base64 without white space
  std::string body_hash;  // bh=
  Canonicalization header_canonicalization = Canonicalization::simple;
  Canonicalization body_canonicalization = Canonicalization::simple;
  std::string domain;                        // d=, A-labels, lower case
  std::string selector;                      // s=, A-labels, lower case
  std::vector<std::string> fields;           // h=, lower case
  std::string identity;                      // i=, decoded; "@" and d= where there is none
  std::string identity_domain;               // its domain: A-labels, lower case
  std::optional<std::uint64_t> body_length;  // l=
  std::optional<std::uint64_t> time;         // t=, seconds since 1970
  std::optional<std::uint64_t> expiry;       // x=
  // Where the value of b= and the white space around it stand in the text: what is deleted before hashing.
  std::size_t data_begin = 0;
  std::size_t data_end = 0;
};

// What is wrong with a signature, and a sentence about it.
struct Fault {
  Reason reason = Reason::syntax;
  std::string text;
};

// A signature with a fault is good for reporting alone: what could be read is there.
struct ParsedSignature {
  Signature signature;
  std::optional<Fault> fault;  // the first, in the order of RFC 6376 6.1.1
};

inline constexpr std::size_t kMaxSignedFields = 500;  // names in h=

// `text` is what stands behind the colon of the field, folds and all.
ParsedSignature parse_signature(std::string_view text);

}  // namespace godwit::dkim
