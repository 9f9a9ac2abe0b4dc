#pragma once
// An event as bytes of a segment. docs/formats/events.md. Pure functions; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/events/event.h"

namespace godwit::events {

// on disk: do not change (docs/formats/events.md)
inline constexpr std::string_view kRecordMagic = "GWev";
inline constexpr std::size_t kRecordHeader = 16;  // magic, length, CRC-32C, zero
inline constexpr std::size_t kRecordAlign = 8;
inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kLongestPayload = 48 * 1'024;
inline constexpr std::size_t kLongestText = 2'048;  // longer ones are cut
inline constexpr std::size_t kMostRecipients = 50;  // named in one event

// Appends a whole record, padded, with room for the event's id, time and place, which seal() puts in.
void append_record(std::string& out, const Draft& draft);
void seal(char* record, std::size_t length, std::uint32_t segment, std::uint32_t offset, MessageId id, WallTime time);

// The record at the front of `bytes`, with its padding: verified; nothing if it is damaged, of another place, or not complete.
struct Framed {
  std::string_view payload;
  std::size_t length;  // in the segment
};
std::optional<Framed> framed_record(std::string_view bytes, std::uint32_t segment, std::uint32_t offset);
// Errors: `corrupt`; `unsupported` for a later version.
Result<Event> parse_payload(std::string_view payload);
// Its type without the rest; nothing where it is of a later version.
std::optional<Type> type_of(std::string_view payload);

}  // namespace godwit::events
