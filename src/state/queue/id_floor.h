#pragma once
// The durable floor under message ids: every id handed out is below it, and a new run begins above it, so that no id
// comes twice even if the clock stepped back between two runs. One row of the server partition ("queue/id_floor",
// milliseconds since 1970, 8 bytes big-endian), raised a minute ahead.
//
// It is itself the clock that ids are made with: the machine's, but never within ten seconds of the floor. now() from any
// thread; renew() from any loop, one renewal at a time.

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "edge/store/engine.h"

namespace godwit::queue {

class IdFloor final : public Clock {
 public:
  IdFloor(store::Engine& engine, Clock& clock) : engine_(engine), clock_(clock) {}

  // At the start: `stored` is the row's value (0 = none). Returns the value to be written durably before raised() is called;
  // ids of this run begin at `first`.
  struct Start {
    WallTime first{};
    WallTime floor{};
  };
  Start start(WallTime stored) const;
  void raised(WallTime floor) { floor_.store(floor.time_since_epoch().count(), std::memory_order_release); }

  // Raises the floor if the clock or `last` (the newest id's time) is less than 30 s below it.
  Task<Result<void>> renew(WallTime last);
  bool is_near(WallTime last) const;  // renew() would
  WallTime floor() const { return WallTime(std::chrono::milliseconds(floor_.load(std::memory_order_acquire))); }

  WallTime now() const override;
  SteadyTime steady() const override { return clock_.steady(); }
  std::unique_ptr<Timer> make_timer(const Executor& executor) override { return clock_.make_timer(executor); }

 private:
  store::Engine& engine_;
  Clock& clock_;
  std::atomic<std::int64_t> floor_{0};
  std::atomic<bool> renewing_{false};
};

inline constexpr const char* kIdFloorKey = "queue/id_floor";  // on disk: do not change (docs/formats/queue.md)
std::string encode_floor(WallTime floor);

}  // namespace godwit::queue
