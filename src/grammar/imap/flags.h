#pragma once
// Flags and keywords of a message: RFC 9051 2.3.2. A value, any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::imap {

enum class SystemFlag : std::uint8_t { answered = 1, flagged = 2, deleted = 4, seen = 8, draft = 16 };

struct Flags {
  std::uint8_t system = 0;            // the sum of SystemFlag values
  std::vector<std::string> keywords;  // as written, each once whatever its case

  bool has(SystemFlag flag) const { return (system & static_cast<std::uint8_t>(flag)) != 0; }
  bool empty() const { return system == 0 && keywords.empty(); }
  void set(SystemFlag flag) { system |= static_cast<std::uint8_t>(flag); }
  bool add_keyword(std::string_view keyword);  // false if it was there in any case
  bool operator==(const Flags&) const = default;
};

// "\Seen" in any case; 0 if it is none of the five.
std::uint8_t system_flag(std::string_view name);
// "\Answered \Seen $Forwarded", without parentheses.
std::string to_string(const Flags& flags);

}  // namespace godwit::imap
