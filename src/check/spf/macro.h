#pragma once
// Macros: RFC 7208 7. A text is parsed once and expanded for each message. Pure, bounded; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"

namespace godwit::spf {

// "%{l1r+-}": letter l, 1 part, reversed, split at + and -.
struct Macro {
  char letter = 'd';            // one of s l o d i p v h c r t, lower case
  bool escaped = false;         // it was upper case: the value is URL-escaped
  bool reversed = false;        // r
  std::uint8_t parts = 0;       // right-hand parts to keep; 0: all (255 stands for more, too)
  std::uint8_t delimiters = 0;  // bits of kDelimiters; 0: the dot

  static constexpr std::string_view kDelimiters = ".-+,/_=";
};

// Literal text ("%%", "%_" and "%-" are literal already) and macros, in order.
struct MacroString {
  std::vector<std::variant<std::string, Macro>> pieces;

  bool uses(char letter) const;  // lower case stands for both
};

// RFC 7208 7.1; errors are `syntax`, with the position and the rule.
godwit::Result<MacroString> parse_macro_string(std::string_view text);  // visible ASCII, every letter
godwit::Result<MacroString> parse_domain_spec(std::string_view text);   // ends in a macro or ".toplabel"; no c, r, t
godwit::Result<MacroString> parse_explanation(std::string_view text);   // spaces too, every letter

// RFC 7208 7.2, what the letters stand for.
struct MacroValues {
  std::string local;          // l; s is local@sender_domain
  std::string sender_domain;  // o
  std::string domain;         // d
  IpAddress client;           // i, c, v
  std::string client_name;    // p
  std::string helo;           // h
  std::string receiver;       // r
  WallTime now;               // t
};

// A name to ask the DNS for, without a final dot: RFC 7208 7.3, labels are dropped from the left until at most 253 bytes are
// left. Whether it is a name at all is for is_name() to say.
std::string expand_name(const MacroString& text, const MacroValues& values);

// Text, cut (and "..." added) where it gets longer than `limit` bytes.
std::string expand_text(const MacroString& text, const MacroValues& values, std::size_t limit);

}  // namespace godwit::spf
