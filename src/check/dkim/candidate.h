#pragma once
// A signature on its way to a verdict, and the checks that need neither message nor DNS. For this module and check/arc.

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "check/dkim/body_hash.h"
#include "check/dkim/key_lookup.h"
#include "check/dkim/signature.h"
#include "check/dkim/verify.h"

namespace godwit::dkim {

struct Candidate {
  Signature signature;
  Verdict verdict;
  bool settled = false;       // the verdict stands; no key is needed
  std::size_t body_hash = 0;  // number in BodyHashes
  std::string header_hash;    // what b= signs
};

// RFC 6376 6.1.1: the field itself, and the clock. `from_fields`: how many the message has.
Candidate begin_candidate(std::string_view text, std::size_t from_fields, const VerifyOptions& options, WallTime now);

// A verdict of its own, for what is not looked at.
Candidate settled_candidate(Reason reason, std::string text);
void settle(Candidate& candidate, Reason reason, std::string text);

// RFC 6376 6.1.2 and 6.1.3, with what the DNS said. ARC judges its signatures with it too: a seal has no body, and no body hash.
void judge(Candidate& candidate, const KeyAnswer& answer, const BodyHashes::Hash& body, const VerifyOptions& options);

}  // namespace godwit::dkim
