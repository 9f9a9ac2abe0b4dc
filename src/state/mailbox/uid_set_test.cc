#include "state/mailbox/uid_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "testing/seeded_random.h"

namespace godwit::mailbox {
namespace {

constexpr std::uint32_t kMaxUid = std::numeric_limits<std::uint32_t>::max();

UidSet make(std::vector<UidRange> ranges) {
  UidSet set;
  for (const auto& range : ranges) set.add(range);
  return set;
}

std::uint32_t below(testing::SeededRandom& random, std::uint32_t limit) { return static_cast<std::uint32_t>(random.below(limit)); }

// Everything the set answers, against the plain one.
void expect_same(const UidSet& set, const std::set<std::uint32_t>& plain, std::uint32_t limit) {
  ASSERT_EQ(set.count(), plain.size());
  ASSERT_EQ(set.empty(), plain.empty());
  ASSERT_EQ(set.last(), plain.empty() ? 0 : *plain.rbegin());
  std::uint32_t sequence = 0;
  for (std::uint32_t uid = 0; uid <= limit; ++uid) {
    ASSERT_EQ(set.count_below(uid), sequence) << uid;
    ASSERT_EQ(set.contains(uid), plain.contains(uid)) << uid;
    if (plain.contains(uid)) {
      ++sequence;
      ASSERT_EQ(set.at(sequence), uid);
      ASSERT_EQ(set.sequence_of(uid), sequence);
    } else {
      ASSERT_EQ(set.sequence_of(uid), std::nullopt) << uid;
    }
  }
  for (std::size_t i = 1; i < set.ranges().size(); ++i) {
    ASSERT_GT(set.ranges()[i].first, set.ranges()[i - 1].last + 1) << "ranges touch";
  }
}

TEST(UidSet, Empty_HasNothing) {
  UidSet set;
  expect_same(set, {}, 3);
  set.remove(std::vector<std::uint32_t>{1, 2});
  EXPECT_EQ(set, UidSet());
  EXPECT_TRUE(set.intersect(std::vector<UidRange>{{1, kMaxUid}}).empty());
}

TEST(UidSet, InARow_AreOneRange) {
  UidSet set;
  for (std::uint32_t uid = 1; uid <= 100'000; ++uid) set.add(uid);
  EXPECT_EQ(set.ranges(), (std::vector<UidRange>{{1, 100'000}}));
  EXPECT_EQ(set.count(), 100'000u);
  EXPECT_EQ(set.at(100'000), 100'000u);
  set.add({100'001, 200'000});
  EXPECT_EQ(set.ranges().size(), 1u);
}

TEST(UidSet, HighestUids_AreOrdinary) {
  auto set = make({{5, 5}, {kMaxUid - 2, kMaxUid}});
  EXPECT_EQ(set.count(), 4u);
  EXPECT_EQ(set.at(4), kMaxUid);
  EXPECT_EQ(set.count_below(kMaxUid), 3u);
  set.remove(std::vector<std::uint32_t>{kMaxUid});
  EXPECT_EQ(set.last(), kMaxUid - 1);
  set.add(kMaxUid);
  set.add(kMaxUid);
  EXPECT_EQ(set.count(), 4u);
  EXPECT_EQ(set.intersect(std::vector<UidRange>{{6, kMaxUid}}), (std::vector<UidRange>{{kMaxUid - 2, kMaxUid}}));
}

TEST(UidSet, Added_JoinsItsNeighbours) {
  auto set = make({{1, 3}, {5, 7}, {20, 20}});
  set.add(4);
  EXPECT_EQ(set.ranges(), (std::vector<UidRange>{{1, 7}, {20, 20}}));
  set.add(8);
  set.add(19);
  set.add(12);
  EXPECT_EQ(set.ranges(), (std::vector<UidRange>{{1, 8}, {12, 12}, {19, 20}}));
  EXPECT_EQ(set.at(9), 12u);
  set.add(5);
  EXPECT_EQ(set.count(), 11u);
}

TEST(UidSet, Removed_SplitsRanges_PassesOverWhatIsNotIn) {
  auto set = make({{1, 10}, {20, 30}, {40, 40}});
  set.remove(std::vector<std::uint32_t>{1, 5, 5, 6, 10, 11, 15, 20, 30, 35, 40, 50});
  EXPECT_EQ(set.ranges(), (std::vector<UidRange>{{2, 4}, {7, 9}, {21, 29}}));
  EXPECT_EQ(set.count(), 15u);
  EXPECT_EQ(set.at(4), 7u);
}

TEST(UidSet, EveryOtherRemoved_LeavesSingles) {
  auto set = make({{1, 1'000'000}});
  std::vector<std::uint32_t> even;
  for (std::uint32_t uid = 2; uid <= 1'000'000; uid += 2) even.push_back(uid);
  set.remove(even);
  EXPECT_EQ(set.count(), 500'000u);
  EXPECT_EQ(set.ranges().size(), 500'000u);
  EXPECT_EQ(set.at(250'000), 499'999u);
  EXPECT_EQ(set.sequence_of(499'999), 250'000u);
  EXPECT_EQ(set.sequence_of(500'000), std::nullopt);
  EXPECT_EQ(set.count_below(500'000), 250'000u);
  std::vector<std::uint32_t> all(1'000'000);
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i + 1;
  set.remove(all);
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.count(), 0u);
}

TEST(UidSet, Intersect_GivesThePartsThatAreIn) {
  const auto set = make({{1, 10}, {20, 30}, {40, 50}});
  EXPECT_EQ(set.intersect(std::vector<UidRange>{{1, kMaxUid}}), set.ranges());
  EXPECT_EQ(set.intersect(std::vector<UidRange>{{5, 25}, {28, 28}, {31, 39}, {50, 60}}),
            (std::vector<UidRange>{{5, 10}, {20, 25}, {28, 28}, {50, 50}}));
  EXPECT_EQ(set.intersect(std::vector<UidRange>{{2, 3}, {5, 6}}), (std::vector<UidRange>{{2, 3}, {5, 6}}));
  EXPECT_TRUE(set.intersect({}).empty());
  EXPECT_TRUE(set.intersect(std::vector<UidRange>{{51, 60}}).empty());
}

TEST(UidSet, Random_DoesAsAPlainSetDoes) {
  constexpr std::uint32_t kLimit = 90;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    testing::SeededRandom random(seed);
    UidSet set;
    std::set<std::uint32_t> plain;
    for (int step = 0; step < 60; ++step) {
      if (below(random, 3) != 0) {
        const auto uid = 1 + below(random, kLimit);
        set.add(uid);
        plain.insert(uid);
      } else {
        std::vector<std::uint32_t> gone;
        for (std::uint32_t uid = 1; uid <= kLimit; ++uid) {
          if (below(random, 5) == 0) gone.push_back(uid);
        }
        set.remove(gone);
        for (const auto uid : gone) plain.erase(uid);
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(set, plain, kLimit + 2)) << "seed " << seed;
    std::vector<UidRange> wanted;
    for (std::uint32_t uid = 1 + below(random, 9); uid <= kLimit; uid += 2 + below(random, 9)) {
      const auto last = uid + below(random, 5);
      wanted.push_back({uid, last});
      uid = last;
    }
    std::vector<std::uint32_t> got;
    for (const auto& range : set.intersect(wanted)) {
      for (auto uid = range.first; uid <= range.last; ++uid) got.push_back(uid);
    }
    std::vector<std::uint32_t> expected;
    for (const auto& range : wanted) {
      for (auto uid = range.first; uid <= range.last; ++uid) {
        if (plain.contains(uid)) expected.push_back(uid);
      }
    }
    ASSERT_EQ(got, expected) << "seed " << seed;
  }
}

TEST(UidSet, BuiltAnyWay_IsEqual) {
  UidSet forward;
  UidSet backward;
  for (std::uint32_t uid = 1; uid <= 50; uid += 1 + uid % 3) forward.add(uid);
  std::vector<std::uint32_t> uids;
  for (const auto& range : forward.ranges()) {
    for (auto uid = range.first; uid <= range.last; ++uid) uids.insert(uids.begin(), uid);
  }
  for (const auto uid : uids) backward.add(uid);
  EXPECT_EQ(forward, backward);
}

}  // namespace
}  // namespace godwit::mailbox
