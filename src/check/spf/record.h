#pragma once
// The grammar of SPF records: RFC 7208 4.5, 4.6.1, 5, 6 and 12. Pure, bounded; any thread. Fuzzed by spf_record_fuzz.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "check/spf/macro.h"
#include "check/spf/verdict.h"

namespace godwit::spf {

// Longer records are errors: RFC 7208 3.4 wants less than 450 bytes, and real ones stay below 4 KiB.
inline constexpr std::size_t kMaxRecord = 16 * 1024;

enum class Mechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

struct Directive {
  Mechanism mechanism = Mechanism::all;
  Result qualifier = Result::pass;  // pass, fail, softfail or neutral
  std::uint8_t cidr4 = 32;          // a, mx
  std::uint8_t cidr6 = 128;         // a, mx
  Network network;                  // ip4, ip6 (bits behind the prefix may be set)
  MacroString domain;               // empty: the <domain> that is checked
  std::string text;                 // as written
};

struct Record {
  std::vector<Directive> directives;
  std::optional<MacroString> redirect;
  std::optional<MacroString> exp;
};

// RFC 7208 4.5: a TXT record that is one: "v=spf1" in any case, then a space or the end.
bool is_spf_record(std::string_view txt);

// `record` is one by is_spf_record(). Errors are `syntax` or `limit`, with the position; the text says the rule and the term.
godwit::Result<Record> parse_record(std::string_view record);

// What a stranger wrote, for logs: printable ASCII, "?" for the rest, cut at `limit`.
std::string shown(std::string_view text, std::size_t limit = 80);

}  // namespace godwit::spf
