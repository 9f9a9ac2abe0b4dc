#include "service/scheduler/window.h"

#include <gmock/gmock.h>

#include "service/scheduler/sites.h"

namespace godwit::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MessageId id(std::uint64_t n) { return {n}; }
WallTime at(int second) { return WallTime(std::chrono::seconds(second)); }

class WindowTest : public ::testing::Test {
 protected:
  WindowTest() { window.set_shards({0, 1, 2, 3}, 0, 2); }
  Cursor& cursor() { return window.cursors()[0]; }
  Window window;
};

TEST_F(WindowTest, Shards_AreThoseOfTheLoop) {
  ASSERT_EQ(window.cursors().size(), 2u);
  EXPECT_EQ(window.cursors()[0].shard, 0);
  EXPECT_EQ(window.cursors()[1].shard, 2);
}

TEST_F(WindowTest, PutOff_MovesTheCursorBack) {
  cursor().fresh_left = false;
  cursor().fresh_after = id(100);
  window.put_off(id(50));
  EXPECT_TRUE(cursor().fresh_left);
  EXPECT_EQ(cursor().fresh_after, id(49));
  window.put_off(id(80));
  EXPECT_EQ(cursor().fresh_after, id(49));
}

TEST_F(WindowTest, PutOffDuringARead_OutlivesTheReadsOwnProgress) {
  window.begin_read(cursor());
  window.put_off(id(50));
  cursor().fresh_after = id(100);  // the read has looked past it
  cursor().fresh_left = false;
  window.end_read(cursor());
  EXPECT_TRUE(cursor().fresh_left);
  EXPECT_EQ(cursor().fresh_after, id(49));
}

TEST_F(WindowTest, DueEnteredBehindTheCursor_IsReadAgain) {
  cursor().due_after = queue::DueEntry{at(10), id(5)};
  cursor().next_due.reset();
  window.note_due(id(7), at(20));
  EXPECT_EQ(cursor().due_after->due, at(10));
  EXPECT_EQ(cursor().next_due, at(20));
  window.begin_read(cursor());
  window.note_due(id(3), at(10));
  cursor().due_after = queue::DueEntry{at(20), id(7)};
  cursor().next_due.reset();
  window.end_read(cursor());
  EXPECT_EQ(cursor().due_after->due, at(10));
  EXPECT_EQ(cursor().due_after->id, id(2));
  EXPECT_EQ(window.next_due(), WallTime{});  // the other shard has not been looked at
  EXPECT_EQ(cursor().next_due, at(10));
}

TEST_F(WindowTest, EndedDuringARead_IsKnownUntilItsEnd) {
  window.insert(id(1), {});
  window.begin_read(cursor());
  window.erase(id(1));
  EXPECT_TRUE(window.is_known(id(1)));
  window.end_read(cursor());
  EXPECT_FALSE(window.is_known(id(1)));
}

TEST_F(WindowTest, Ready_PassesOverWhatIsOtherwiseBusy) {
  for (int n = 1; n <= 3; ++n) {
    window.insert(id(n), {});
    window.push_ready(id(n));
  }
  window.find(id(1))->state = Entry::State::acting;
  window.erase(id(2));
  EXPECT_EQ(window.pop_ready(), window.find(id(3)));
  EXPECT_EQ(window.pop_ready(), nullptr);
}

TEST_F(WindowTest, Parked_TakesNoRoomButIsKnown) {
  Entry& entry = window.insert(id(1), {});
  window.park(entry);
  EXPECT_EQ(window.in_memory(), 0u);
  EXPECT_TRUE(window.is_known(id(1)));
  window.unpark(entry, nullptr);
  EXPECT_EQ(window.in_memory(), 1u);
}

// Offers until the site must park; returns how many went out.
std::size_t fill(Sites& sites, const std::string& site, std::size_t window) {
  std::size_t out = 0;
  while (!sites.must_park(site, window)) {
    sites.job_out(site);
    ++out;
  }
  return out;
}

TEST(Sites, OneSiteTakesHalf_TwoLessEach_AShareIsLeft) {
  Sites sites;
  EXPECT_EQ(fill(sites, "a", 100), 50u);
  EXPECT_EQ(fill(sites, "b", 100), 25u);
  EXPECT_EQ(fill(sites, "c", 100), 13u);
  EXPECT_FALSE(sites.must_park("d", 100));
}

TEST(Sites, Parked_ComeBackWhenHalfIsDone) {
  Sites sites;
  fill(sites, "a", 8);
  for (int n = 1; n <= 5; ++n) sites.park("a", id(n));
  EXPECT_THAT(sites.unpark(8, 100), IsEmpty());
  EXPECT_FALSE(sites.job_back("a", 8));  // 3 out of 5
  EXPECT_TRUE(sites.job_back("a", 8));   // 2 out, may have 6
  EXPECT_THAT(sites.unpark(8, 100), ElementsAre(id(1), id(2)));
  EXPECT_THAT(sites.unpark(8, 1), ElementsAre(id(3)));
  EXPECT_EQ(sites.parked(), 2u);
}

TEST(Sites, WithNothingOut_NothingIsParked) {
  Sites sites;
  EXPECT_FALSE(sites.must_park("a", 0));
  sites.job_out("a");
  EXPECT_TRUE(sites.must_park("a", 0));
  EXPECT_FALSE(sites.job_back("a", 0));
  EXPECT_FALSE(sites.must_park("a", 0));
}

}  // namespace
}  // namespace godwit::scheduler
