#include "state/mailbox/derived_cache.h"

#include <gtest/gtest.h>

namespace godwit::mailbox {
namespace {

using Key = DerivedCache::Key;

std::shared_ptr<const DerivedPage> page(std::size_t bytes) {
  DerivedPage out;
  out.add(1, std::string(bytes, 'x'), true);
  out.shrink();
  return std::make_shared<const DerivedPage>(std::move(out));
}

TEST(DerivedPageTest, Records_AreFoundByUid) {
  DerivedPage made;
  made.add(3, "three", true);
  made.add(5, "", true);
  made.add(9, "nine", false);
  EXPECT_EQ(made.count(), 3u);
  EXPECT_EQ(made.find(1), 0u);
  EXPECT_EQ(made.find(4), 1u);
  EXPECT_EQ(made.find(10), 3u);
  EXPECT_EQ(made.record(0), "three");
  EXPECT_EQ(made.record(1), "");
  EXPECT_EQ(made.record(2), "nine");
  EXPECT_TRUE(made.has(3));
  EXPECT_TRUE(made.has(5));
  EXPECT_FALSE(made.has(4));
  EXPECT_FALSE(made.has(9));  // to be made anew
  EXPECT_FALSE(made.settled());
}

TEST(DerivedCacheTest, Memory_StaysBelowTheLimitAndTheLastAskedForStay) {
  DerivedCache cache(100'000);
  for (std::uint32_t i = 0; i < 100; ++i) {
    cache.keep(Key{.account = 1 + i % 7, .mailbox = 1, .page = i}, page(9'000));
    EXPECT_NE(cache.find(Key{.account = 1, .mailbox = 1, .page = 0}), nullptr) << i;  // asked for again and again
    EXPECT_LE(cache.memory(), 100'000u);
  }
  EXPECT_NE(cache.find(Key{.account = 1 + 99 % 7, .mailbox = 1, .page = 99}), nullptr);
  EXPECT_EQ(cache.find(Key{.account = 2, .mailbox = 1, .page = 1}), nullptr);
  EXPECT_GT(cache.memory(), 80'000u);
}

TEST(DerivedCacheTest, Replaced_CountsOnce) {
  DerivedCache cache(100'000);
  const Key key{.account = 1, .mailbox = 2, .page = 3};
  cache.keep(key, page(5'000));
  const auto once = cache.memory();
  const auto second = page(5'000);
  cache.keep(key, second);
  EXPECT_EQ(cache.memory(), once);
  EXPECT_EQ(cache.find(key), second);
}

TEST(DerivedCacheTest, TooLarge_IsNotKeptNorIsWhatItReplaces) {
  DerivedCache cache(100'000);
  const Key key{.account = 1, .mailbox = 1};
  cache.keep(key, page(100));
  cache.keep(key, page(50'000));
  EXPECT_EQ(cache.find(key), nullptr);
  EXPECT_EQ(cache.memory(), 0u);
}

TEST(DerivedCacheTest, Keys_DifferInEachOfTheirParts) {
  DerivedCache cache(100'000);
  const Key key{.account = 1, .mailbox = 1, .uid_validity = 1, .kind = 1, .page = 1};
  cache.keep(key, page(10));
  for (Key other : {Key{2, 1, 1, 1, 1}, Key{1, 2, 1, 1, 1}, Key{1, 1, 2, 1, 1}, Key{1, 1, 1, 2, 1}, Key{1, 1, 1, 1, 2}})
    EXPECT_EQ(cache.find(other), nullptr);
  EXPECT_NE(cache.find(key), nullptr);
}

TEST(DerivedCacheTest, ForgottenAccount_TakesNoMemory) {
  DerivedCache cache(100'000);
  for (const directory::AccountId account : {1, 2, 3}) {
    for (std::uint32_t i = 0; i < 3; ++i) cache.keep(Key{.account = account, .mailbox = i}, page(1'000));
  }
  const auto all = cache.memory();
  cache.forget(2);
  EXPECT_EQ(cache.memory(), all / 3 * 2);
  EXPECT_EQ(cache.find(Key{.account = 2, .mailbox = 1}), nullptr);
  EXPECT_NE(cache.find(Key{.account = 1, .mailbox = 2}), nullptr);
  EXPECT_NE(cache.find(Key{.account = 3, .mailbox = 0}), nullptr);
}

}  // namespace
}  // namespace godwit::mailbox
