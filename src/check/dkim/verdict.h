#pragma once
// What is said of one signature: the result as Authentication-Results names it, the reason, and what a trace and a policy want to
// know beside it. Values; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::dkim {

// RFC 8601 2.7.1, spelled as there.
enum class Result : std::uint8_t { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(Result result);

// Why; in the order in which RFC 6376 6.1 comes to it. Behind each the result it has.
enum class Reason : std::uint8_t {
  syntax,             // permerror: not a tag list, a value against its grammar, or a required tag is missing
  version,            // permerror: v= is not 1
  unsupported,        // permerror: a=, c= or q= names what is not known here
  historic,           // permerror: rsa-sha1 (RFC 8301 3.1)
  identity_mismatch,  // permerror: i= is neither d= nor below it, or below it where the key forbids that (t=s)
  from_not_signed,    // permerror: h= does not name From, or the message has more From fields than it names
  expired,            // permerror: x= has passed
  from_the_future,    // permerror: t= is yet to come
  key_unavailable,    // temperror: the DNS does not answer
  no_key,             // permerror: there is no record
  key_syntax,         // permerror: the record cannot be read, or its key
  key_revoked,        // permerror: p= is empty
  key_unsuitable,     // permerror: k=, h= or s= of the record do not fit this use
  key_too_small,      // permerror: RSA of fewer bits than are trusted (RFC 8301 3.2)
  body_too_short,     // fail: l= is more than the body has
  body_changed,       // fail: bh= is not the body's hash
  signature_wrong,    // fail: b= does not verify
  verified,           // pass
  not_looked_at       // neutral: one signature too many, or a header beyond the limits
};
std::string_view to_string(Reason reason);
Result result_of(Reason reason);

struct Verdict {
  Result result = Result::none;
  Reason reason = Reason::not_looked_at;
  std::string text;  // a sentence for the trace, without a final stop

  // From the signature; empty where it could not be read.
  std::string domain;     // d=, A-labels, lower case
  std::string identity;   // i=, decoded; "@" and the domain where there is none (RFC 6376 6.1.1)
  std::string selector;   // s=, A-labels, lower case
  std::string algorithm;  // a=
  std::string signature;  // b=, without white space
  std::size_t shown = 0;  // so many characters of b= tell this verdict from the others of the message (RFC 6008 4)

  // From the key.
  unsigned key_bits = 0;  // 0: no key was read
  bool testing = false;   // RFC 6376 3.6.1 t=y: to be treated as if the message were not signed
  bool secure = false;    // the record came under DNSSEC

  // RFC 6376 8.2: with l= anybody may add to the body.
  std::optional<std::uint64_t> length;  // l=
  std::uint64_t unsigned_bytes = 0;     // of the canonical body, behind l=

  // A policy may rely on it: it passes, for the whole body, and its domain does not merely test.
  bool dependable() const { return result == Result::pass && unsigned_bytes == 0 && !testing; }
};

// The result as a word for Authentication-Results: as to_string(), but `neutral` for a signature whose header field has syntax
// errors or asks for what is not known here (RFC 8601 2.7.1: "contained syntax errors or were not otherwise able to be processed").
std::string_view authentication_result(const Verdict& verdict);

// header.d, header.i, header.s, header.a and header.b (RFC 8601 2.7.1, RFC 6008) with what is known; the values are not quoted yet.
std::vector<std::pair<std::string_view, std::string>> authentication_properties(const Verdict& verdict);

// Of a message with these signatures: the best of them; `none` without any. A temperror comes before a fail: it may yet pass
// (RFC 6376 6.1).
Result overall(std::span<const Verdict> verdicts);

}  // namespace godwit::dkim
