#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>

namespace godwit {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kSizes{Unit{"", 1},
                            Unit{"B", 1},
                            Unit{"KiB", 1ULL << 10},
                            Unit{"MiB", 1ULL << 20},
                            Unit{"GiB", 1ULL << 30},
                            Unit{"TiB", 1ULL << 40},
                            Unit{"kB", 1'000},
                            Unit{"MB", 1'000'000},
                            Unit{"GB", 1'000'000'000}};
constexpr std::array kTimes{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};

// Takes a number and the letters behind it off the front of `text`.
Result<std::uint64_t> take_quantity(std::string_view& text, std::span<const Unit> units, std::string_view example) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return fail(Error::syntax(fmt::format("expected a number with a unit, such as \"{}\"", example), 0));
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const auto letters = std::min(text.find_first_of("0123456789"), text.size());
  const auto name = text.substr(0, letters);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    text.remove_prefix(letters);
    if (unit.factor != 0 && number > UINT64_MAX / 2 / unit.factor)
      return fail(Error::permanent(Error::Cause::limit, "the number is too large"));
    return number * unit.factor;
  }
  return fail(Error::syntax(name.empty() ? fmt::format("a unit is missing; write for example \"{}\"", example)
                                         : fmt::format("\"{}\" is not a unit known here; write for example \"{}\"", name, example),
                            0));
}

}  // namespace

Result<ByteCount> parse_byte_count(std::string_view text) {
  GODWIT_ASSIGN(const std::uint64_t bytes, take_quantity(text, kSizes, "50MiB"));
  if (!text.empty()) return fail(Error::syntax("expected one size, such as \"50MiB\"", 0));
  return ByteCount{bytes};
}

std::string to_string(ByteCount count) {
  static constexpr std::array kNames{"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(count.bytes);
  while (value >= 1024 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} bytes", count.bytes);
  return value == static_cast<double>(static_cast<std::uint64_t>(value))
             ? fmt::format("{} {}", static_cast<std::uint64_t>(value), kNames[unit])
             : fmt::format("{:.1f} {}", value, kNames[unit]);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return fail(Error::syntax("expected a time with a unit, such as \"5m\"", 0));
  std::uint64_t total = 0;
  while (!text.empty()) {
    GODWIT_ASSIGN(const std::uint64_t part, take_quantity(text, kTimes, "5m"));
    total += part;
    if (total > INT64_MAX / 2) return fail(Error::permanent(Error::Cause::limit, "the time is too long"));
  }
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds duration) {
  auto left = static_cast<std::uint64_t>(duration.count() < 0 ? -duration.count() : duration.count());
  std::string out;
  int parts = 0;
  for (const Unit& unit : kTimes) {
    if (left < unit.factor || parts == 2) continue;
    if (unit.name == "ms" && parts > 0) break;
    out += fmt::format("{}{}", left / unit.factor, unit.name);
    left %= unit.factor;
    ++parts;
  }
  if (out.empty()) out = "0s";
  return duration.count() < 0 ? "-" + out : out;
}

}  // namespace godwit
