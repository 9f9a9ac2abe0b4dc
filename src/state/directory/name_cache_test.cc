#include "state/directory/name_cache.h"

#include <gtest/gtest.h>

namespace godwit::directory {
namespace {

NameCache::Entry present() { return {true, nullptr}; }

TEST(NameCache, Put_IsFound) {
  NameCache cache(1 << 20);
  EXPECT_FALSE(cache.find("d1").has_value());
  cache.put("d1", present(), cache.generation());
  cache.put("d2", {}, cache.generation());
  EXPECT_TRUE(cache.find("d1")->present);
  EXPECT_FALSE(cache.find("d2")->present);
}

TEST(NameCache, ChangeWhileReading_KeepsTheOldAnswerOut) {
  NameCache cache(1 << 20);
  const std::uint64_t before = cache.generation();
  cache.forget({"d1"});
  cache.put("d1", present(), before);
  EXPECT_FALSE(cache.find("d1").has_value());
}

TEST(NameCache, Forget_TakesOnlyItsKeys) {
  NameCache cache(1 << 20);
  cache.put("d1", present(), cache.generation());
  cache.put("d2", present(), cache.generation());
  cache.forget({"d1"});
  EXPECT_FALSE(cache.find("d1").has_value());
  EXPECT_TRUE(cache.find("d2").has_value());
}

TEST(NameCache, ManyNames_StayWithinTheBound) {
  constexpr std::size_t kBound = 64 * 1024;
  NameCache cache(kBound);
  for (int i = 0; i < 10'000; ++i) cache.put("nexample.org" + std::to_string(i), {}, cache.generation());
  EXPECT_LE(cache.bytes(), kBound);
  EXPECT_GT(cache.bytes(), kBound / 2);
  EXPECT_TRUE(cache.find("nexample.org9999").has_value());
  EXPECT_FALSE(cache.find("nexample.org0").has_value());
}

TEST(NameCache, PutTwice_KeepsTheSecond) {
  NameCache cache(1 << 20);
  cache.put("d", {}, cache.generation());
  const std::size_t once = cache.bytes();
  cache.put("d", present(), cache.generation());
  EXPECT_TRUE(cache.find("d")->present);
  EXPECT_EQ(cache.bytes(), once);
}

}  // namespace
}  // namespace godwit::directory
