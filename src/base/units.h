#pragma once
// Units that configuration and limits carry: ByteCount, and how sizes and durations read as text.

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

struct ByteCount {
  std::uint64_t bytes = 0;
  auto operator<=>(const ByteCount&) const = default;
};

// "512", "64KiB", "50MiB", "1GiB", "2TiB"; also kB, MB, GB (powers of ten).
Result<ByteCount> parse_byte_count(std::string_view text);
std::string to_string(ByteCount count);  // "50 MiB"

// "90s", "5m", "1h30m", "5d", "250ms". A bare number is refused: a time without a unit is a guess.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // "1h30m", the two largest units

}  // namespace godwit
