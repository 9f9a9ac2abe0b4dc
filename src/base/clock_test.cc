#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/blocking_pool.h"
#include "base/result.h"
#include "testing/test_loop.h"

namespace godwit {
namespace {

using namespace std::chrono_literals;

TEST(Clock, Dates_ReadAsTheRfcsSay) {
  const WallTime time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 2) + 9h + 8min + 7s + 999ms;
  EXPECT_EQ(format_rfc5322(time), "Mon, 2 Nov 2026 09:08:07 +0000");
  EXPECT_EQ(format_rfc3339(time), "2026-11-02T09:08:07Z");
}

Task<> wait_and_note(Timer& timer, SteadyTime when, int& note) { note = co_await timer.wait_until(when) ? 1 : 2; }

TEST(ManualClock, FiveDays_PassAtOnce) {
  testing::TestLoop loop;
  auto timer = loop.clock().make_timer(loop.executor());
  int note = 0;
  loop.start(wait_and_note(*timer, loop.clock().steady() + 120h, note));
  loop.advance(119h);
  EXPECT_EQ(note, 0);
  loop.advance(1h);
  EXPECT_EQ(note, 1);
}

TEST(Timer, Wake_EndsTheWaitEarlyAndCountsOnceBefore) {
  testing::TestLoop loop;
  for (const auto& system = make_system_clock(); Clock * clock : {static_cast<Clock*>(&loop.clock()), system.get()}) {
    auto timer = clock->make_timer(loop.executor());
    int note = 0;
    timer->wake();
    loop.start(wait_and_note(*timer, clock->steady() + 1h, note));
    loop.poll();
    EXPECT_EQ(note, 2);
    note = 0;
    loop.start(wait_and_note(*timer, clock->steady() + 1h, note));
    loop.poll();
    EXPECT_EQ(note, 0);
    timer->wake();
    loop.poll();
    EXPECT_EQ(note, 2);
  }
}

Task<int> on_pool(BlockingPool& pool) {
  auto work = [] { return 42; };
  co_return co_await pool.run(work);
}

TEST(BlockingPool, Work_ComesBackToTheLoop) {
  testing::TestLoop loop;
  for (const std::size_t threads : {0u, 2u}) {
    BlockingPool pool(threads);
    EXPECT_EQ(loop.run(on_pool(pool)), 42);
  }
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Error::permanent(Error::Cause::syntax, "odd"));
  return value / 2;
}
Result<int> quarter(int value) {
  GODWIT_ASSIGN(const int once, half(value));
  GODWIT_ASSIGN(const int twice, half(once));
  return twice;
}

TEST(Result, Try_HandsFailuresOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().text, "odd");
}

}  // namespace
}  // namespace godwit
