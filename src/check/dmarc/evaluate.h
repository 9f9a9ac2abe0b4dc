#pragma once
// DMARC: is the author whom the reader sees the one who sent it? RFC 9989, with the records of RFC 7489.
//
//   dmarc::Question question{.from = {"Joe <joe@example.org>"}, .spf = spf.mail_from, .dkim = signatures};
//   const dmarc::Verdict verdict = co_await dmarc::evaluate(resolver, std::move(question), options);
//   if (verdict.disposition == dmarc::Policy::reject) ...
//
// Nothing fails here: what goes wrong is a verdict. It asks the DNS at most 8 questions for the author and 8 for each identifier that
// passed and might be aligned, one after the other, and none twice; after four that stay open it asks no more. Runs on the caller's
// loop; `resolver` outlives it.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/task.h"
#include "check/dkim/verdict.h"
#include "check/dmarc/verdict.h"
#include "check/spf/verdict.h"
#include "edge/dns/resolver.h"

namespace godwit::dmarc {

struct Question {
  std::vector<std::string> from;    // the bodies of all From fields of the message, folded or not
  std::optional<spf::Verdict> spf;  // of MAIL FROM; for a null reverse path of HELO as its postmaster (RFC 7208 2.4)
  std::vector<dkim::Verdict> dkim;  // all signatures
};

// Where we do otherwise than the owner of the domain asks (RFC 9989 5.4).
struct LocalPolicy {
  Policy most = Policy::reject;     // the severest that is applied: quarantine for who never rejects
  std::vector<std::string> exempt;  // author domains, and those below them: no policy is applied
  std::string forwarder;            // not empty: somebody trusted vouches (an ARC chain, a list): who and why; no policy is applied
  // RFC 9989 11.5: what becomes of a message with several author domains or From fields.
  Policy several_authors = Policy::reject;
  // RFC 9989 5.3.1: and of one without a From field, or with one that cannot be read or has no domain name. Readers may be shown an
  // author all the same.
  Policy no_author = Policy::none;
};

struct Options {
  LocalPolicy local;
  bool trust_partial_bodies = false;                   // signatures with l= that leave a part of the body unsigned count
  Duration lookup = std::chrono::milliseconds(2'500);  // one question
  std::size_t max_identifiers = 12;                    // identifiers whose alignment is looked at; more are reported alone
};

// RFC 9989 5.3.1. The one domain of the From field as A-labels in lower case; permanent errors: the cause is `conflict` for several,
// `syntax` for none.
godwit::Result<std::string> author_domain(std::span<const std::string> from);

Task<Verdict> evaluate(dns::Resolver& resolver, Question question, Options options = {});

}  // namespace godwit::dmarc
