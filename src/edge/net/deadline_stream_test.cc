#include "edge/net/deadline_stream.h"

#include <gtest/gtest.h>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

Task<> read_until_error(Stream& stream, std::size_t& bytes, std::optional<Error::Cause>& ended) {
  char room[16];
  const std::span<char> span(room);
  for (;;) {
    const auto count = co_await stream.read(span, std::chrono::minutes(1));
    if (!count) {
      ended = count.error().cause;
      co_return;
    }
    bytes += *count;
  }
}

Task<> say(Stream& stream, std::string text) {
  ignore(co_await stream.write(text, std::chrono::minutes(1)), "the test looks at the other end");
}

// A byte every 40 s would keep a time-out of a minute from ever coming.
TEST(DeadlineStream, BytesThatDribble_DoNotMoveTheDeadline) {
  testing::TestLoop loop;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  DeadlineStream stream(*near, loop.clock(), loop.clock().steady() + std::chrono::seconds(100));
  std::size_t bytes = 0;
  std::optional<Error::Cause> ended;
  loop.start(read_until_error(stream, bytes, ended));
  for (int i = 0; i < 2; ++i) {
    loop.advance(std::chrono::seconds(40));
    loop.start(say(*far, "x"));
    loop.poll();
  }
  EXPECT_EQ(bytes, 2u);
  EXPECT_FALSE(ended);
  loop.advance(std::chrono::seconds(21));
  EXPECT_EQ(ended, Error::Cause::timed_out);
}

TEST(DeadlineStream, EarlierTimeout_StillCounts) {
  testing::TestLoop loop;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  DeadlineStream stream(*near, loop.clock(), loop.clock().steady() + std::chrono::hours(1));
  std::size_t bytes = 0;
  std::optional<Error::Cause> ended;
  loop.start(read_until_error(stream, bytes, ended));
  loop.advance(std::chrono::seconds(61));
  EXPECT_EQ(ended, Error::Cause::timed_out);
}

}  // namespace
}  // namespace godwit::net
