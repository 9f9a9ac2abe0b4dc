#include "state/mailbox/message_page.h"

#include <gtest/gtest.h>

#include <random>

#include "base/encoding.h"
#include "state/mailbox/coverage.h"
#include "state/mailbox/varint.h"

namespace godwit::mailbox {
namespace {

Membership member(EmailId email, Modseq modseq, std::uint8_t flags = 0, std::vector<KeywordNumber> keywords = {}) {
  return {email, modseq, modseq, 1'000, flags, WallTime(Duration(5'000)), WallTime(Duration(4'000)), std::move(keywords)};
}

TEST(MessagePage, TakesChangesAndGivesBack) {
  MessagePage page;
  page.put(70, member(5, 9));
  page.put(64, member(4, 8));
  page.put(70, member(6, 10, kSeen));
  ASSERT_EQ(page.members().size(), 2u);
  EXPECT_EQ(page.members()[0].uid, 64u);
  EXPECT_EQ(page.find(70)->email, 6u);
  EXPECT_EQ(page.find(71), nullptr);
  page.erase(64);
  page.erase(65);
  EXPECT_EQ(page.members().size(), 1u);
  page.erase(70);
  EXPECT_TRUE(page.empty());
}

// The bytes on disk, written down: a change here strands every mailbox there is.
TEST(MessagePage, Encoding_KeepsItsBytes) {
  MessagePage page;
  page.put(64, member(5, 9, kSeen));
  page.put(66, member(6, 10, 0, {1, 3}));
  EXPECT_EQ(hex_encode(page.encode()),
            "02"
            "00010a1200e807c03e904e"
            "4200020200e8070000020102");
}

TEST(MessagePage, AnyPage_ComesBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 500; ++round) {
    MessagePage page;
    const std::uint32_t number = round % 3 == 0 ? UINT32_MAX / 64 : static_cast<std::uint32_t>(random() % 1'000);
    for (std::uint64_t count = random() % 65; count > 0; --count) {
      Membership row{random(),
                     random(),
                     random(),
                     random(),
                     static_cast<std::uint8_t>(random()),
                     WallTime(Duration(static_cast<std::int64_t>(random()))),
                     WallTime(Duration(static_cast<std::int64_t>(random()))),
                     {}};
      for (std::uint64_t keyword = random() % 20; keyword < 1'000 && random() % 4 != 0; keyword += 1 + random() % 9)
        row.keywords.push_back(static_cast<KeywordNumber>(keyword));
      page.put(MessagePage::first_uid(number) + static_cast<Uid>(random() % 64), row);
    }
    const std::string bytes = page.encode();
    EXPECT_LE(bytes.size(), page.most_bytes());
    const auto back = MessagePage::decode(number, bytes);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, page);
  }
}

TEST(MessagePage, AThousandKeywordsOnEachMessage_FitIntoARow) {
  MessagePage page;
  std::vector<KeywordNumber> all;
  for (KeywordNumber each = 0; each < Keywords::kMax; ++each) all.push_back(each);
  for (Uid uid = 0; uid < 64; ++uid) page.put(uid, member(uid, uid, 0, all));
  const std::string bytes = page.encode();
  EXPECT_LE(bytes.size(), 16u * 1024);
  EXPECT_LE(page.most_bytes(), 20u * 1024);
  EXPECT_EQ(MessagePage::decode(0, bytes).value(), page);
}

TEST(MessagePage, TenThousandMessages_TakeSomeTwentyBytesEach) {
  MessagePage page;
  for (Uid uid = 0; uid < 64; ++uid) {
    Membership row = member(1'000'000 + uid, 5'000'000 + uid, kSeen);
    row.received = WallTime(Duration(1'700'000'000'000 + uid * 60'000));
    row.saved = WallTime(Duration(1'700'000'000'500 + uid * 60'000));
    page.put(uid, row);
  }
  EXPECT_LE(page.encode().size(), 64u * 20);
}

TEST(MessagePage, Damage_IsRefusedOrReadAsSomething) {
  MessagePage page;
  for (Uid uid = 0; uid < 9; ++uid) page.put(uid, member(uid + 5, uid + 9, kSeen, {2, 5}));
  const std::string bytes = page.encode();
  EXPECT_FALSE(MessagePage::decode(0, "").has_value());
  EXPECT_FALSE(MessagePage::decode(0, "\x01").has_value());
  for (std::size_t size = 2; size < bytes.size(); ++size) {
    const auto cut = MessagePage::decode(0, std::string_view(bytes).substr(0, size));
    if (cut) EXPECT_LT(cut->members().size(), page.members().size());
  }
  std::mt19937_64 random(3);
  for (int round = 0; round < 5'000; ++round) {
    std::string spoilt = bytes;
    spoilt[random() % spoilt.size()] = static_cast<char>(random());
    ignore(MessagePage::decode(0, spoilt), "whatever it is, it ends");
  }
}

TEST(Varint, NumbersAndDifferences_ComeBack) {
  const std::uint64_t numbers[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX, 1ull << 63};
  for (const std::uint64_t from : numbers) {
    for (const std::uint64_t to : numbers) {
      std::string bytes;
      append_varint(bytes, from);
      append_difference(bytes, from, to);
      VarintReader in(bytes);
      EXPECT_EQ(in.number(), from);
      EXPECT_EQ(in.differing(from), to);
      EXPECT_TRUE(in.ok() && in.done());
      EXPECT_EQ(in.number(), 0u);
      EXPECT_FALSE(in.ok());
    }
  }
}

TEST(Coverage, TheLastOneThatNamesAUid_Counts) {
  Coverage log;
  EXPECT_EQ(log.at(1), 0u);
  log.add(std::vector<UidRange>{{1, 100}}, 5);
  log.add(std::vector<UidRange>{{10, 20}, {100, 100}}, 7);
  log.add(std::vector<UidRange>{{15, UINT32_MAX}}, 9);
  EXPECT_EQ(log.at(0), 0u);
  EXPECT_EQ(log.at(1), 5u);
  EXPECT_EQ(log.at(9), 5u);
  EXPECT_EQ(log.at(10), 7u);
  EXPECT_EQ(log.at(14), 7u);
  EXPECT_EQ(log.at(15), 9u);
  EXPECT_EQ(log.at(UINT32_MAX), 9u);
}

}  // namespace
}  // namespace godwit::mailbox
