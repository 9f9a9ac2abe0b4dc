#include "service/events/again.h"

#include <unordered_set>

#include "service/events/report.h"

namespace godwit::events {
namespace {

// More than a sync may take: what is older than this before the newest event was synced before it.
constexpr Duration kBefore = std::chrono::seconds(30);
// An id is made when the body begins: how much older than its accept it may be to be looked at.
constexpr Duration kLongBody = std::chrono::minutes(10);
constexpr std::size_t kPage = 500;
constexpr std::size_t kStreamPage = 2'000;

struct Known {
  WallTime newest{};
  std::unordered_set<MessageId> accepted;  // since kBefore before it
};

// The last two segments, at most: half a minute of anything but a flood, and then what is told twice has the message's id in it.
Result<Known> known_of(Stream& stream) {
  Known known;
  std::vector<std::pair<WallTime, MessageId>> all;
  Position at = stream.end();
  at = at.segment > 1 ? Position{at.segment - 1, 0} : Position{};
  while (true) {
    GODWIT_ASSIGN(const auto batch, stream.read(at, kStreamPage, 4 << 20));
    for (const Event& event : batch.events) {
      known.newest = std::max(known.newest, event.time);
      if (event.type == Type::accepted) all.emplace_back(event.time, event.message);
    }
    if (batch.next == at || batch.next >= stream.end()) break;
    at = batch.next;
  }
  for (const auto& [time, id] : all)
    if (time >= known.newest - 2 * kBefore) known.accepted.insert(id);
  return known;
}

// The smallest id of a moment (base/ids.h).
MessageId first_id_of(WallTime time) {
  const auto since_2020 = time - WallTime(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1));
  return MessageId{since_2020 <= Duration(0) ? 0 : static_cast<std::uint64_t>(since_2020.count()) << 23};
}

}  // namespace

Task<Result<std::size_t>> tell_accepted_again(Stream& stream, queue::Queue& queue, BlockingPool& pool, WallTime before) {
  auto known = co_await pool.run([&stream] { return known_of(stream); });
  if (!known) co_return fail(known.error());
  std::size_t told = 0;
  if (known->newest == WallTime{}) co_return told;  // a stream that has just begun: what was queued before is not its story
  std::optional<MessageId> after = first_id_of(known->newest - kBefore - kLongBody);
  while (true) {
    GODWIT_CO_ASSIGN(const auto messages, co_await queue.list(after, kPage));
    for (const queue::Message& message : messages) {
      after = message.id;
      if (message.accepted < known->newest - kBefore || message.accepted >= before || known->accepted.contains(message.id)) continue;
      report_accepted(&stream, message, message.message_id, {});
      if (message.held) report(&stream, Type::held, message, message.held_because);
      ++told;
    }
    if (messages.size() < kPage) break;
  }
  co_return told;
}

}  // namespace godwit::events
