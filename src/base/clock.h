#pragma once
// Time, passed in so that a test can run five days in a millisecond.
//
// Clock is shared by all loops and may be called from any thread. A Timer belongs to the loop it is awaited on.

#include <chrono>
#include <memory>
#include <string>

#include "base/task.h"

namespace godwit {

using Duration = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;                                 // what goes on the wire and into records
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;  // for time-outs and intervals

// Waits for a moment or for a wake-up, whichever is first. One waiter at a time; all calls from its own loop.
class Timer {
 public:
  virtual ~Timer() = default;
  // true: the time has come; false: wake() was called (a wake() before the wait counts once).
  virtual Task<bool> wait_until(SteadyTime when) = 0;
  virtual void wake() = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;
  virtual std::unique_ptr<Timer> make_timer(const Executor& executor) = 0;

  Task<> sleep(Duration duration);
};

// The machine's clock.
std::unique_ptr<Clock> make_system_clock();

// "Sun, 22 Nov 2026 12:18:39 +0000" (RFC 5322 3.3), always in UTC.
std::string format_rfc5322(WallTime time);
// "2026-11-22T12:18:39Z" (RFC 3339).
std::string format_rfc3339(WallTime time);

}  // namespace godwit
