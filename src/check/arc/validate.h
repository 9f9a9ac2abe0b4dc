#pragma once
// Validating an Authenticated Received Chain while the message streams by (RFC 8617 5.2).
//
//   arc::Validator validator(options, clock.now());
//   validator.feed(bytes);                                       // the message from its first byte, in pieces cut anywhere
//   const arc::Verdict verdict = co_await validator.finish(resolver);
//
// Owned by one transaction, on one loop; stands beside a dkim::Verifier and is made of the same parts. Memory: the header until it
// ends, never the body. Work: at most 100 public-key operations (50 sets), done where finish() runs; it stops at the first break.
// There are no errors: whatever is wrong is a verdict. Lines end with CRLF.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "check/arc/verdict.h"
#include "check/dkim/verify.h"
#include "edge/dns/resolver.h"

namespace godwit::arc {

struct ValidateOptions {
  std::size_t max_header = dkim::HeaderFields::kMaxBytes;
  unsigned max_sets = kMaxInstance;                 // RFC 8617 5.2; a larger number counts as 50
  bool oldest_pass = true;                          // RFC 8617 5.2 step 5, which is optional: an operation a set
  unsigned min_rsa_bits = 1'024;                    // RFC 8301 3.2
  Duration lookup_time = std::chrono::seconds(20);  // in all; a key gets at most dns::kLookupTimeout of it
};

class Validator {
 public:
  Validator(const ValidateOptions& options, WallTime now);
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;

  void feed(std::string_view bytes);

  // The names of the keys that finish() may ask for, each once; known when the header is over. For asking ahead.
  std::vector<std::string> key_names() const;

  // The message is over. Once; the validator stays until the task has ended.
  Task<Verdict> finish(dns::Resolver& resolver);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::arc
