#pragma once
// One segment of the stream as bytes: its header, its name, and finding records in it over damage. docs/formats/events.md.
// Pure functions; any thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "state/events/record.h"

namespace godwit::events {

inline constexpr std::size_t kSegmentHeader = 16;  // on disk: do not change. magic, number, zero

std::string segment_header(std::uint32_t number);
std::string segment_name(std::uint32_t number);  // "events-00000001.seg"
std::optional<std::uint32_t> segment_number(std::string_view name);

// Walks through records from `offset` on, where bytes[0] lies at `base` of the segment: calls `visit` with each that verifies, and
// with the offset behind it, until it says false. Stops before what could be a record that reaches beyond the bytes, unless they are
// `whole`. Returns where it stopped; adds the places with damage to `damaged`.
std::uint32_t walk_records(std::string_view bytes, std::uint32_t base, std::uint32_t offset, std::uint32_t number, bool whole,
                           std::size_t& damaged, const std::function<bool(std::string_view payload, std::uint32_t behind)>& visit);

}  // namespace godwit::events
