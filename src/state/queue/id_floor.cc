#include "state/queue/id_floor.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::queue {
namespace {

constexpr Duration kAhead = std::chrono::seconds(60);
constexpr Duration kRenewBelow = std::chrono::seconds(30);
// What the ids of one millisecond may run over: 8,192 ids a millisecond and shard for ten seconds.
constexpr Duration kMargin = std::chrono::seconds(10);

}  // namespace

std::string encode_floor(WallTime floor) {
  std::string value;
  append_be64(value, static_cast<std::uint64_t>(floor.time_since_epoch().count()));
  return value;
}

IdFloor::Start IdFloor::start(WallTime stored) const {
  const WallTime first = std::max(stored, clock_.now());
  return {first, first + kAhead};
}

WallTime IdFloor::now() const { return std::min(clock_.now(), floor() - kMargin); }

bool IdFloor::is_near(WallTime last) const { return floor() - std::max(clock_.now(), last) <= kRenewBelow; }

Task<Result<void>> IdFloor::renew(WallTime last) {
  if (!is_near(last) || renewing_.exchange(true, std::memory_order_acq_rel)) co_return Result<void>();
  const WallTime newest = std::max(clock_.now(), last);
  const WallTime next = std::max(floor(), newest + kAhead);
  store::Batch batch;
  batch.put(store::Keyspace::server, kIdFloorKey, encode_floor(next));
  const store::WriteDone done = co_await engine_.write(store::kServerPartition, std::move(batch));
  if (done.ok()) raised(next);
  renewing_.store(false, std::memory_order_release);
  co_return store::as_result(done, "raising the floor of message ids");
}

}  // namespace godwit::queue
