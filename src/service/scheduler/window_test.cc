#include "service/scheduler/window.h"

#include <gmock/gmock.h>

namespace godwit::scheduler {
namespace {

MessageId id(std::uint64_t n) { return {n}; }
Entry ready() { return {}; }

TEST(Window, CountsWhatIsInWork) {
  Window window;
  window.insert(id(1), ready());
  window.insert(id(2), ready());
  EXPECT_EQ(window.in_memory(), 2u);
  EXPECT_EQ(window.in_work(), 0u);
  window.set(*window.find(id(1)), Entry::State::attempting);
  window.set(*window.find(id(1)), Entry::State::acting);
  EXPECT_EQ(window.in_work(), 1u);
  window.erase(id(1));
  window.erase(id(2));
  EXPECT_EQ(window.in_memory(), 0u);
  EXPECT_EQ(window.find(id(1)), nullptr);
}

TEST(Window, PutsOutWhatCameFirst_AndNothingInWork) {
  Window window;
  for (int n = 1; n <= 4; ++n) window.insert(id(n), ready());
  window.set(*window.find(id(1)), Entry::State::attempting);
  window.erase(id(2));
  EXPECT_TRUE(window.put_out());
  EXPECT_EQ(window.find(id(3)), nullptr);
  EXPECT_TRUE(window.put_out());
  EXPECT_FALSE(window.put_out());
  EXPECT_EQ(window.in_memory(), 1u);
}

TEST(Window, ManyThatCameAndWent_LeaveNothing) {
  Window window;
  window.insert(id(1), ready());
  for (int n = 2; n <= 1'000; ++n) {
    window.insert(id(n), ready());
    window.erase(id(n));
  }
  EXPECT_TRUE(window.put_out());
  EXPECT_FALSE(window.put_out());
}

}  // namespace
}  // namespace godwit::scheduler
