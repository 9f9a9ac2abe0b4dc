#pragma once
// What both SPF suites need: a fake DNS filled name by name, and one check on a loop of its own. Used by one thread.

#include <string>
#include <string_view>
#include <vector>

#include "check/spf/check_host.h"
#include "testing/fake_resolver.h"
#include "testing/test_loop.h"

namespace godwit::conformance {

class SpfZone {
 public:
  // Names that no DNS could hold are left out.
  void txt(std::string_view name, std::string_view text);
  void address(std::string_view name, std::string_view address);
  void mx(std::string_view name, unsigned preference, std::string_view exchange);
  void cname(std::string_view name, std::string_view target);
  void ptr(std::string_view address, std::string_view name);
  void ptr_at(std::string_view reverse_name, std::string_view name);  // "4.3.2.1.in-addr.arpa"
  void time_out(std::string_view name, dns::Type type);               // as if no answer came, without the waiting
  void time_out(std::string_view name);

  spf::Verdicts check(const spf::Question& question, const spf::Limits& limits);
  spf::Verdict check_host(const spf::Question& question, const spf::Limits& limits);

 private:
  testing::TestLoop loop_;
  testing::FakeResolver dns_{loop_.clock()};
};

// "pass", "fail": the words of the suites.
bool is_one_of(spf::Result result, const std::vector<std::string>& expected);
// RFC 7208 7.3 gives the hexadecimal digits of %{i} and %{c} no case: explanations are compared without it.
bool same_explanation(std::string_view ours, std::string_view expected);
// "expected fail or permerror, got pass: ..." for the report.
std::string difference(const spf::Verdict& verdict, const std::vector<std::string>& expected);

}  // namespace godwit::conformance
