#pragma once
// Numbers in responses, where thousands of them are written. A pure function, any thread.

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

namespace godwit::imapd {

inline void append_number(std::string& out, std::uint64_t number) {
  char digits[std::numeric_limits<std::uint64_t>::digits10 + 1];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

}  // namespace godwit::imapd
