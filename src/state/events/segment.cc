#include "state/events/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace godwit::events {
namespace {

constexpr std::string_view kMagic = "GWEVENT1";  // on disk: do not change
constexpr std::string_view kPrefix = "events-";
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kLongestRecord = kRecordHeader + kLongestPayload + kRecordAlign;

}  // namespace

std::string segment_header(std::uint32_t number) {
  std::string out(kMagic);
  append_be32(out, number);
  append_be32(out, 0);
  return out;
}

std::string segment_name(std::uint32_t number) { return fmt::format("{}{:08x}{}", kPrefix, number, kSuffix); }

std::optional<std::uint32_t> segment_number(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  if (name.size() != 8 || error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
  return number;
}

std::uint32_t walk_records(std::string_view bytes, std::uint32_t base, std::uint32_t offset, std::uint32_t number, bool whole,
                           std::size_t& damaged, const std::function<bool(std::string_view payload, std::uint32_t behind)>& visit) {
  bool in_damage = false;
  while (offset - base < bytes.size()) {
    const std::string_view rest = bytes.substr(offset - base);
    if (!whole && rest.size() < kLongestRecord) break;
    if (const auto framed = framed_record(rest, number, offset)) {
      in_damage = false;
      offset += static_cast<std::uint32_t>(std::min(framed->length, rest.size()));
      if (!visit(framed->payload, offset)) break;
      continue;
    }
    const std::size_t step = std::min(kRecordAlign, rest.size());
    const bool empty = std::ranges::all_of(rest.substr(0, step), [](char c) { return c == '\0'; });
    if (!empty && !in_damage) ++damaged;
    in_damage = in_damage || !empty;
    offset += static_cast<std::uint32_t>(step);
  }
  return offset;
}

}  // namespace godwit::events
