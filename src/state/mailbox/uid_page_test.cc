#include "state/mailbox/uid_page.h"

#include <gtest/gtest.h>

#include <set>

#include "testing/seeded_random.h"

namespace godwit::mailbox {
namespace {

UidPage page_of(std::initializer_list<int> offsets) {
  UidPage page;
  for (const int offset : offsets) page.insert(static_cast<std::uint16_t>(offset));
  return page;
}

TEST(UidPage, Ranges_Join) {
  EXPECT_EQ(page_of({1, 2, 3, 5, 4}).encode().size(), 1u + 4u);
  EXPECT_EQ(page_of({5, 3}).encode().size(), 1u + 8u);
  EXPECT_EQ(page_of({1, 1, 1}).count(), 1u);
  UidPage page = page_of({1, 2, 3});
  page.erase(2);
  EXPECT_TRUE(page.contains(1));
  EXPECT_FALSE(page.contains(2));
  EXPECT_TRUE(page.contains(3));
  page.erase(2);
  page.erase(1);
  page.erase(3);
  EXPECT_TRUE(page.empty());
}

TEST(UidPage, Edges_Work) {
  UidPage page = page_of({0, 65'535});
  EXPECT_TRUE(page.contains(0));
  EXPECT_TRUE(page.contains(65'535));
  page.insert(65'534);
  EXPECT_EQ(UidPage::decode(page.encode()).value(), page);
  page.erase(65'535);
  EXPECT_FALSE(page.contains(65'535));
}

TEST(UidPage, ManyGaps_BecomeABitmapAndStaySmall) {
  UidPage page;
  for (std::uint32_t offset = 0; offset < UidPage::kSize; offset += 2) page.insert(static_cast<std::uint16_t>(offset));
  const std::string bytes = page.encode();
  EXPECT_EQ(bytes.size(), 1u + 8'192u);
  EXPECT_EQ(UidPage::decode(bytes).value(), page);
  EXPECT_EQ(page.count(), UidPage::kSize / 2);
}

TEST(UidPage, RandomChanges_AgreeWithASet) {
  testing::SeededRandom random(3);
  UidPage page;
  std::set<std::uint16_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto offset = static_cast<std::uint16_t>(random.below(600) * (random.below(2) ? 1 : 100));
    if (random.below(2) != 0) {
      page.insert(offset);
      model.insert(offset);
    } else {
      page.erase(offset);
      model.erase(offset);
    }
    ASSERT_EQ(page.contains(offset), model.contains(offset));
    if (step % 1'000 != 0) continue;
    ASSERT_EQ(page.count(), model.size());
    ASSERT_EQ(UidPage::decode(page.encode()).value(), page);
  }
}

TEST(UidPage, Damage_IsRefused) {
  struct Case {
    std::string name, bytes;
  };
  const Case cases[] = {
      {"empty", ""},
      {"unknown kind", std::string("\x02", 1)},
      {"half a range", std::string("\0\0\1\0", 4)},
      {"backwards", std::string("\0\0\2\0\1", 5)},
      {"touching", std::string("\0\0\1\0\2\0\3\0\4", 9)},
      {"short bitmap", std::string("\1\0\0", 3)},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_FALSE(UidPage::decode(each.bytes).has_value());
  }
}

}  // namespace
}  // namespace godwit::mailbox
