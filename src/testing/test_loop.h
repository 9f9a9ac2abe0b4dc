#pragma once
// A loop driven by the test's thread, a manual clock beside it, and helpers to run a coroutine to its end.

#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "testing/manual_clock.h"

namespace godwit::testing {

class TestLoop {
 public:
  TestLoop();
  ~TestLoop();

  Executor executor() const;
  ManualClock& clock() { return clock_; }

  // Runs everything that is ready; time stands still. With work on other threads (real engines) use run_until.
  void poll();
  // Lets `duration` pass: fires timers in order and runs what they make ready.
  void advance(Duration duration);
  // Starts a coroutine; the TestLoop owns it.
  void start(Task<> task);
  // Runs the loop until `done()` (work on other threads included); GODWIT_CHECKs that it takes less than 60 s.
  void run_until(const std::function<bool()>& done);

  // Runs `task` to its end and returns what it returned.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    start(store_result(std::move(task), value));
    run_until([&] { return value.has_value(); });
    return *std::move(value);
  }
  void run(Task<> task);

 private:
  template <class T>
  static Task<> store_result(Task<T> task, std::optional<T>& into) {
    into = co_await std::move(task);
  }

  struct Impl;
  std::unique_ptr<Impl> impl_;
  ManualClock clock_;
};

}  // namespace godwit::testing
