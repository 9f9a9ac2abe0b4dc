#include "edge/net/task_group.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using testing::TestLoop;

Task<> sleep_for(Clock& clock, Duration duration) { co_await clock.sleep(duration); }
Task<> throw_now() {
  throw std::runtime_error("broken");
  co_return;
}
Task<> wait_for(TaskGroup& group, Clock& clock, Duration timeout, std::optional<bool>& into) { into = co_await group.wait(clock, timeout); }

TEST(TaskGroup, Wait_EmptyGroup_IsTrueAtOnce) {
  TestLoop loop;
  TaskGroup group;
  EXPECT_TRUE(loop.run(group.wait(loop.clock(), Duration(0))));
}

TEST(TaskGroup, Wait_TasksEnd_WakesWithTheLast) {
  TestLoop loop;
  TaskGroup group;
  spawn(loop.executor(), group, "short", sleep_for(loop.clock(), Duration(10)));
  spawn(loop.executor(), group, "long", sleep_for(loop.clock(), Duration(50)));
  EXPECT_EQ(group.running(), 2u);
  std::optional<bool> done;
  loop.start(wait_for(group, loop.clock(), Duration(1'000), done));
  loop.advance(Duration(20));
  EXPECT_EQ(group.running(), 1u);
  EXPECT_FALSE(done);
  loop.advance(Duration(40));
  EXPECT_EQ(done, true);
}

TEST(TaskGroup, Wait_TaskTooLong_IsFalseAfterTheTimeout) {
  TestLoop loop;
  TaskGroup group;
  spawn(loop.executor(), group, "long", sleep_for(loop.clock(), Duration(5'000)));
  std::optional<bool> done;
  loop.start(wait_for(group, loop.clock(), Duration(1'000), done));
  loop.advance(Duration(1'001));
  EXPECT_EQ(done, false);
  loop.advance(Duration(5'000));
  EXPECT_EQ(group.running(), 0u);
}

TEST(TaskGroup, Spawn_TaskThrows_IsCountedOutAndTheLoopGoesOn) {
  TestLoop loop;
  TaskGroup group;
  spawn(loop.executor(), group, "thrower", throw_now());
  loop.poll();
  EXPECT_EQ(group.running(), 0u);
}

TEST(TaskGroup, Spawn_LoopDestroyedUnderIt_IsCountedOut) {
  TaskGroup group;
  testing::ManualClock clock;
  {
    TestLoop loop;
    spawn(loop.executor(), group, "long", sleep_for(loop.clock(), Duration(5'000)));
    spawn(loop.executor(), group, "never started", throw_now());
    EXPECT_EQ(group.running(), 2u);
  }
  EXPECT_EQ(group.running(), 0u);
}

// What a session does: its await ends with `cancelled` when the group stops.
Task<> session(TaskGroup& group, std::unique_ptr<Stream> stream, std::optional<Error::Cause>& ended) {
  auto executor = co_await this_executor();
  Stream* raw = stream.get();
  const TaskGroup::OnStop on_stop(group, executor, [raw] { raw->cancel(); });
  const auto waited = co_await stream->wait_readable(Duration(300'000));
  if (!waited) ended = waited.error().cause;
}

TEST(TaskGroup, Stop_SessionWaits_SeesCancelled) {
  TestLoop loop;
  TaskGroup group;
  std::optional<Error::Cause> ended;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  spawn(loop.executor(), group, "session", session(group, std::move(near), ended));
  loop.poll();
  EXPECT_FALSE(group.stopping());
  group.stop();
  EXPECT_TRUE(group.stopping());
  loop.poll();
  EXPECT_EQ(ended, Error::Cause::cancelled);
  EXPECT_EQ(group.running(), 0u);
}

TEST(TaskGroup, OnStop_RegisteredAfterStop_IsCalled) {
  TestLoop loop;
  TaskGroup group;
  group.stop();
  int calls = 0;
  const TaskGroup::OnStop late(group, loop.executor(), [&] { ++calls; });
  EXPECT_EQ(calls, 0);
  loop.poll();
  EXPECT_EQ(calls, 1);
  group.stop();
  loop.poll();
  EXPECT_EQ(calls, 1);
}

TEST(TaskGroup, OnStop_DestroyedBeforeThePostedCall_IsNotCalled) {
  TestLoop loop;
  TaskGroup group;
  int calls = 0;
  {
    const TaskGroup::OnStop gone(group, loop.executor(), [&] { ++calls; });
    group.stop();
  }
  loop.poll();
  EXPECT_EQ(calls, 0);
}

TEST(TaskGroup, Cut_CallsOnceMore) {
  TestLoop loop;
  TaskGroup group;
  std::vector<bool> calls;
  const TaskGroup::OnStop on_stop(group, loop.executor(), [&] { calls.push_back(group.cutting()); });
  group.stop();
  loop.poll();
  EXPECT_EQ(calls, std::vector<bool>{false});
  for (int i = 0; i < 2; ++i) group.cut();
  loop.poll();
  EXPECT_EQ(calls, (std::vector<bool>{false, true}));
}

TEST(TaskGroup, CutWithoutStop_StopsToo) {
  TestLoop loop;
  TaskGroup group;
  int calls = 0;
  const TaskGroup::OnStop on_stop(group, loop.executor(), [&] { ++calls; });
  group.cut();
  loop.poll();
  EXPECT_TRUE(group.stopping());
  EXPECT_EQ(calls, 1);
}

TEST(TaskGroup, Stop_FromAnotherThread_EndsEveryTask) {
  TestLoop loop;
  TaskGroup group;
  std::optional<Error::Cause> ended;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  spawn(loop.executor(), group, "session", session(group, std::move(near), ended));
  loop.poll();
  std::jthread other([&] { group.stop(); });
  loop.run_until([&] { return group.running() == 0; });
  EXPECT_EQ(ended, Error::Cause::cancelled);
}

}  // namespace
}  // namespace godwit::net
