#pragma once
// What the runners of the DKIM suites share: a world of TXT records, and a message through the verifier. One thread.

#include <string>
#include <string_view>
#include <vector>

#include "check/dkim/verify.h"
#include "testing/fake_resolver.h"
#include "testing/test_loop.h"

namespace godwit::conformance {

class DkimWorld {
 public:
  testing::FakeResolver& dns() { return dns_; }

  // The message in pieces of `piece` bytes, received at `now`.
  std::vector<dkim::Verdict> verify(std::string_view message, WallTime now, std::size_t piece);

 private:
  testing::TestLoop loop_;
  testing::FakeResolver dns_{loop_.clock()};
};

// Every line end as CRLF, for suites that keep messages with LF.
std::string with_crlf(std::string_view text);

// "example.org (rsa-sha256): pass, <sentence>", one a line.
std::string describe(const std::vector<dkim::Verdict>& verdicts);

}  // namespace godwit::conformance
