#pragma once
// A record of a trace segment: some events of one message, and the keys by which it can be found. docs/formats/trace.md.
// Pure functions on bytes; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "state/trace/trace.h"

namespace godwit::trace {

// on disk: do not change (docs/formats/trace.md)
inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kRecordHeader = 8;  // length, CRC-32C
inline constexpr std::size_t kLongestPayload = 2 << 20;
inline constexpr std::size_t kLongestDetail = 8 * 1'024;  // longer ones are cut
inline constexpr std::size_t kLongestKey = 1'000;

// The parts of a payload, encoded as they come in: a story in memory is already what goes to the file.
void append_event(std::string& out, WallTime time, std::string_view kind, std::string_view detail);
void append_keys(std::string& out, const Keys& keys);

struct Record {
  MessageId id;
  Keys keys;
  std::vector<Event> events;
};

// Appends a whole record. `events` and `keys` are what append_event and append_keys made ("" = no keys).
void append_record(std::string& out, std::uint32_t segment, std::uint32_t offset, MessageId id, std::string_view keys,
                   std::string_view events);

// The payload of the record at the front of `bytes`: verified; nothing if it is damaged, of another place, or not complete.
std::optional<std::string_view> verified_payload(std::string_view bytes, std::uint32_t segment, std::uint32_t offset);
// Errors: `corrupt`; `unsupported` for a later version.
Result<Record> parse_record(std::string_view payload);

// What the index holds in place of names. on disk: do not change.
std::uint64_t hash_of_id(MessageId id);
std::uint64_t hash_of_message_id(std::string_view message_id);
std::uint64_t hash_of_address(std::string_view address);  // ASCII case does not matter

// The hashes under which a record is found.
std::vector<std::uint64_t> hashes_of(MessageId id, const Keys& keys);

}  // namespace godwit::trace
