#pragma once
// Sealing a message that goes on (RFC 8617 5.1): one more set on a chain that is `none` or `pass`. For forwarders that want it; the
// server does not seal by itself.
//
//   arc::Sealer sealer(key, results, clock.now());
//   sealer.feed(bytes);                                        // the message as it goes out, from its first byte
//   auto prepared = sealer.finish(verdict);                    // what arc::Validator said of it when it came
//   auto fields = co_await pool.run([prepared = *std::move(prepared)] { return arc::seal(prepared); });   // two RSA operations
//   // *fields stands in front of the message
//
// Owned by one transaction. Memory: the header, never the body.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "check/arc/verdict.h"
#include "check/dkim/signing_key.h"

namespace godwit::arc {

// A set that lacks nothing but its signatures. A value; any thread.
struct PreparedSeal {
  std::string results;      // ARC-Authentication-Results with its CRLF
  std::string message;      // ARC-Message-Signature up to "b="
  std::string message_end;  // and behind its value
  std::string message_hash;
  std::string seal;      // ARC-Seal up to "b="
  std::string seal_end;  // and behind its value
  std::string earlier;   // the fields of the sets before
  unsigned instance = 0;
  dkim::SigningKey key;
};

// The three fields of the set, seal first, each ended by CRLF.
godwit::Result<std::string> seal(const PreparedSeal& prepared);

class Sealer {
 public:
  // `results`: what we found out, "arc=" among it. `fields`: names for h= as they are to be written, each as often as it is to be
  // covered; empty: those that DKIM signs (dkim::default_field_rules()) and DKIM-Signature.
  Sealer(dkim::SigningKey key, authres::Results results, WallTime now, std::vector<std::string> fields = {});
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void feed(std::string_view bytes);

  // The message is over. Once. Permanent errors, which leave the message without a set: the chain fails (RFC 8617 5.1.2: nothing can
  // mend it), it has 50 sets, the header is beyond the limits, begins with white space, or has not exactly one From field.
  godwit::Result<PreparedSeal> finish(const Verdict& chain);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::arc
