#pragma once
// What an SPF check is asked, and what it answers: RFC 7208 4.1 and 2.6. Values; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"

namespace godwit::spf {

// RFC 7208 2.6: what each means. `neutral` is treated exactly as `none` (8.2), `softfail` alone never refuses a message (8.5).
enum class Result : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_string(Result result);

enum class Identity : std::uint8_t { mail_from, helo };
std::string_view to_string(Identity identity);  // "mailfrom", "helo" (RFC 7208 9.1)

// What the client of an SMTP session said, as it said it. Nothing in here is trusted: names that are none give `none`.
struct Question {
  IpAddress client;                         // IPv4-mapped IPv6 counts as IPv4
  std::string helo;                         // the most recent one: a name, an address literal, or nonsense
  std::string mail_from;                    // the reverse path without its brackets (smtp::ReversePath::text()); "" for <>
  Identity identity = Identity::mail_from;  // which of the two is checked
  std::string receiver = "unknown";         // our host name, for %{r} in explanations and for Received-SPF
};

// RFC 7208 4.6.4. The defaults are the RFC's; beyond `lookups`, `void_lookups` or `mx_names` is permerror, beyond `time` temperror.
struct Limits {
  unsigned lookups = 10;                      // include, a, mx, ptr, exists, redirect, and PTR for %{p}
  unsigned void_lookups = 2;                  // a, mx and exists that find nothing
  unsigned mx_names = 10;                     // exchanges looked up for one "mx"
  unsigned ptr_names = 10;                    // reverse names of the client looked at; more are ignored
  Duration time = std::chrono::seconds(20);   // the whole check, the explanation included
  Duration lookup = std::chrono::seconds(5);  // one question to the DNS
  std::size_t explanation = 400;              // bytes of an explanation, more is cut; 0: none is fetched
};

struct Verdict {
  Result result = Result::none;
  Identity identity = Identity::mail_from;
  std::string domain;         // what was checked, as A-labels in lower case; empty if there was no domain to check
  std::string record_domain;  // whose record decided (behind redirects, another one); empty if there was none
  std::string mechanism;      // the directive that matched, as its record has it ("-all"); empty if none did
  std::string explanation;    // fail: the publisher's words (exp=), printable ASCII on one line, not ours; empty if it has none
  std::string reason;         // a sentence for the trace and the log: printable ASCII, without a final stop
  unsigned lookups = 0;       // terms that asked the DNS
};

}  // namespace godwit::spf
