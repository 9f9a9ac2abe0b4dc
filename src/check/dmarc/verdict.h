#pragma once
// What DMARC says of a message, with all that a trace, a report (RFC 9990) and Authentication-Results need. Values; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/dmarc/record.h"
#include "grammar/authres/authres.h"

namespace godwit::dmarc {

// RFC 7489 11.2, spelled as there.
enum class Result : std::uint8_t { none, pass, fail, temperror, permerror };
std::string_view to_string(Result result);

enum class Reason : std::uint8_t {
  aligned,          // pass
  not_aligned,      // fail: nothing that passed is of the author's domain
  no_record,        // none
  unusable_record,  // none: no policy that makes sense, and nobody to report to (RFC 9989 4.10.1)
  no_author,        // permerror: no From, or none with a domain
  several_authors,  // permerror: several From fields, or several domains in it
  dns               // temperror: without the answers nothing is sure (RFC 9989 5.3.6)
};
std::string_view to_string(Reason reason);
Result result_of(Reason reason);

enum class Mechanism : std::uint8_t { spf, dkim };
std::string_view to_string(Mechanism mechanism);

// An authenticated identifier, or one that failed to become one (RFC 9989 5.3.3).
struct Identifier {
  Mechanism mechanism = Mechanism::spf;
  std::string domain;    // A-labels, lower case
  std::string selector;  // dkim
  std::string result;    // of its own check: "pass", "softfail"
  bool passed = false;   // and it may be relied upon
  bool aligned = false;  // with the author; looked at where it passed, or where it might have
};

// RFC 9990: why the disposition is not the policy that was asked for.
struct Override {
  std::string type;  // "local_policy", "policy_test_mode", "trusted_forwarder"
  std::string comment;
  bool operator==(const Override&) const = default;
};

struct Verdict {
  Result result = Result::none;
  Reason reason = Reason::no_record;
  std::string text;                   // a sentence for the trace, without a final stop
  std::string author_domain;          // RFC5322.From, A-labels; empty: no_author, several_authors
  std::string organizational_domain;  // of the author; the author's domain itself where nothing had to be asked
  std::string record_domain;          // whose record applies; empty: nobody's
  std::optional<Record> record;       // as it is applied
  bool secure = false;                // it came under DNSSEC
  std::vector<Identifier> identifiers;
  bool spf_aligned = false;   // an aligned pass
  bool dkim_aligned = false;  // an aligned pass
  // Where there is a record. `exists` was asked for only where np= is at stake.
  Policy published = Policy::none;  // of p=, sp= and np= the one that counts
  std::string_view published_by;    // "p", "sp", "np"
  std::optional<bool> exists;       // RFC 9989 3.2.13
  Policy requested = Policy::none;  // fail: after t=y
  // What to do. none: nothing because of DMARC.
  Policy disposition = Policy::none;
  std::vector<Override> overrides;
  unsigned questions = 0;  // to the DNS

  // RFC 9989 4.7, fo=: whether ruf= asks for a report of this message. Never where there is no ruf=.
  bool wants_failure_report() const;
  // "dmarc=fail (p=reject dis=quarantine) header.from=example.org"
  authres::MethodResult method_result() const;
};

}  // namespace godwit::dmarc
