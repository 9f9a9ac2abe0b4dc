#pragma once
// Message ids: 64 bits, ordered by time, with the queue shard inside, short enough for a log line.
//
//   bits 63..23  milliseconds since 2020-01-01 (41 bits, until 2089)
//   bits 22..13  queue shard (10 bits)
//   bits 12..0   counter within the millisecond
// on disk: do not change (docs/formats/rows.md)

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace godwit {

using Shard = std::uint16_t;
inline constexpr Shard kShards = 1024;

struct MessageId {
  std::uint64_t value = 0;

  auto operator<=>(const MessageId&) const = default;
  Shard shard() const { return static_cast<Shard>(value >> 13 & (kShards - 1)); }
  WallTime time() const;     // of its making, to the millisecond
  std::string text() const;  // 13 characters, sorts as the number
};

Result<MessageId> parse_message_id(std::string_view text);

// Makes ids of one shard, each greater than all before it even if the clock steps back.
// One loop; `floor` is above every id that an earlier run may have made.
class MessageIdSource {
 public:
  MessageIdSource(Clock& clock, Shard shard, WallTime floor);
  MessageId next();

 private:
  Clock& clock_;
  Shard shard_;
  std::uint64_t last_;  // milliseconds << 13 | counter
};

}  // namespace godwit

template <>
struct std::hash<godwit::MessageId> {
  std::size_t operator()(godwit::MessageId id) const noexcept { return std::hash<std::uint64_t>()(id.value * 0x9e3779b97f4a7c15u); }
};
