#pragma once
// Verifying the DKIM signatures of a message while it streams by (RFC 6376 6, RFC 8301, RFC 8463, RFC 8616).
//
//   dkim::Verifier verifier(options, clock.now());
//   verifier.feed(bytes);                                        // the message from its first byte, in pieces cut anywhere
//   const auto verdicts = co_await verifier.finish(resolver);    // one a signature, from the top; none: not signed
//
// Owned by one transaction, on one loop. Memory: the header until it ends (HeaderFields::kMaxBytes at most), then the signatures;
// never the body. Work: the body is hashed at most twice (once for each canonicalisation), however many signatures ask; each
// of at most `max_signatures` costs one public-key operation (30 us; a hostile key of 8,192 bits 2 ms), done where finish() runs.
// There are no errors: whatever is wrong is a verdict. The message has CRLF line ends; a bare CR or LF is a byte like any other.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "check/dkim/header_fields.h"
#include "check/dkim/verdict.h"
#include "edge/dns/resolver.h"

namespace godwit::dkim {

struct VerifyOptions {
  std::size_t max_signatures = 10;  // from the top; the others are reported as not looked at (RFC 6376 6.1)
  std::size_t max_header = HeaderFields::kMaxBytes;
  unsigned min_rsa_bits = 1'024;  // RFC 8301 3.2: at least; a smaller number counts as 1,024
  // RFC 6376 3.5: how far clocks may be apart. Of t= a day, for clocks that run on local time.
  std::chrono::seconds expiry_grace{0};
  std::chrono::seconds future_grace = std::chrono::hours(24);
  // What finish() may spend on the DNS in all; a single key gets at most dns::kLookupTimeout of it.
  Duration lookup_time = std::chrono::seconds(20);
};

class Verifier {
 public:
  // `now`: when the message was received (RFC 6376 3.5, x=).
  Verifier(const VerifyOptions& options, WallTime now);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  void feed(std::string_view bytes);

  bool header_done() const;
  // The names of the keys that finish() will ask for, one after the other, each once; known when the header is done. Who wants to
  // wait less asks the resolver for them (TXT) while the body arrives: its cache answers finish().
  std::vector<std::string> key_names() const;

  // The message is over. Once; nothing may be fed afterwards. The verifier stays until the task has ended.
  Task<std::vector<Verdict>> finish(dns::Resolver& resolver);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::dkim
