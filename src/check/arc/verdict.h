#pragma once
// What is said of a chain: its state, where it breaks, and each custodian with the testimony it sealed. Values; any thread.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "check/arc/fields.h"
#include "check/dkim/verdict.h"
#include "grammar/authres/authres.h"

namespace godwit::arc {

struct Set {
  unsigned instance = 0;
  ChainState state = ChainState::none;        // cv= of its seal
  dkim::Verdict seal;                         // domain: the sealer
  dkim::Verdict message;                      // not_looked_at for sets below the oldest that passes
  std::optional<authres::Results> testimony;  // ARC-Authentication-Results; nothing where it cannot be read
};

struct Verdict {
  ChainState result = ChainState::none;
  bool temporary = false;    // fail: for want of a DNS answer alone. RFC 8617 5.2.1 makes it a fail like another
  unsigned broken_at = 0;    // fail: the instance; 0: the chain as a whole
  unsigned oldest_pass = 0;  // RFC 8617 5.2 step 5: the message was changed before this instance; 0: not at all
  std::string text;          // a sentence for the trace, without a final stop
  std::vector<Set> sets;     // from 1 upwards; empty where the structure is broken

  // RFC 8601: "arc=pass" with header.oldest-pass (RFC 8617 10.2), for Authentication-Results.
  authres::MethodResult method_result() const;
};

// RFC 8617 7.2.1: whether those who are trusted say that the message was in order when it came to them. The chain passes, the
// message is as its last custodian sealed it (without l= and without a testing key), and all custodians from the last one down to the
// one that is believed are among `trusted` (names as A-labels in lower case; a sealer below a trusted name is trusted).
// Believed is the oldest of them; its testimony must hold "dmarc=pass" with header.from `author_domain`.
// The instance; nothing: no rescue.
std::optional<unsigned> vouched_for(const Verdict& verdict, std::span<const std::string> trusted, std::string_view author_domain);

}  // namespace godwit::arc
