#pragma once
// iprev: does the client's address have a name, and does that name have the address? RFC 8601 3, text of RFC 7601 3.
//
// Nothing fails here. It asks for at most kMaxNames + 1 records, one after the other, none longer than `lookup`. Runs on the caller's
// loop; `resolver` outlives it.

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/task.h"
#include "edge/dns/resolver.h"

namespace godwit::iprev {

inline constexpr std::size_t kMaxNames = 10;  // RFC 7208 5.5 has the same bound for the same reason

// RFC 8601 2.7.3: fail: names, but none with the address; permerror: the address has no name.
enum class Result : std::uint8_t { pass, fail, temperror, permerror };
std::string_view to_string(Result result);

struct Verdict {
  Result result = Result::permerror;
  std::string name;                // pass: the first name that has the address
  std::vector<std::string> names;  // all that the address claims, at most kMaxNames
  std::string text;                // a sentence for the trace, without a final stop
};

// For Authentication-Results: policy.iprev is the address.
Task<Verdict> check(dns::Resolver& resolver, IpAddress client, Duration lookup = dns::kLookupTimeout);

}  // namespace godwit::iprev
