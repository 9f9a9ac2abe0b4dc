#include "base/ids.h"

#include <algorithm>

#include "base/encoding.h"

namespace godwit {
namespace {

using namespace std::chrono;
constexpr WallTime kEpoch = sys_days(year(2020) / 1 / 1);
constexpr int kCounterBits = 13;
constexpr int kShardBits = 10;

std::uint64_t slot_of(WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, (time - kEpoch).count())) << kCounterBits;
}

}  // namespace

WallTime MessageId::time() const { return kEpoch + milliseconds(value >> (kCounterBits + kShardBits)); }

std::string MessageId::text() const { return base32_encode(value); }

Result<MessageId> parse_message_id(std::string_view text) {
  GODWIT_ASSIGN(const std::uint64_t value, base32_decode(text));
  return MessageId{value};
}

MessageIdSource::MessageIdSource(Clock& clock, Shard shard, WallTime floor) : clock_(clock), shard_(shard), last_(slot_of(floor)) {}

MessageId MessageIdSource::next() {
  last_ = std::max(last_ + 1, slot_of(clock_.now()));
  const std::uint64_t time = last_ >> kCounterBits;
  const std::uint64_t counter = last_ & ((1u << kCounterBits) - 1);
  return {time << (kCounterBits + kShardBits) | static_cast<std::uint64_t>(shard_) << kCounterBits | counter};
}

}  // namespace godwit
