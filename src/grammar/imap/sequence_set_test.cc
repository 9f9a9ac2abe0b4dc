#include "grammar/imap/sequence_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

using testing::ElementsAre;

std::vector<std::uint32_t> numbers(const NumberSet& set) { return {set.begin(), set.end()}; }

NumberSet resolved(std::string_view text, std::uint32_t largest) { return parse_sequence_set(text).value().resolve(largest); }

TEST(SequenceSet, Rfc9051_9_Examples) {
  // "a message sequence number set of 2,4:7,9,12:* for a mailbox with 15 messages is equivalent to 2,4,5,6,7,9,12,13,14,15"
  EXPECT_THAT(numbers(resolved("2,4:7,9,12:*", 15)), ElementsAre(2, 4, 5, 6, 7, 9, 12, 13, 14, 15));
  // "*:4,5:7 for a mailbox with 10 messages ... may be reordered and overlap coalesced to be 4,5,6,7,8,9,10"
  EXPECT_THAT(numbers(resolved("*:4,5:7", 10)), ElementsAre(4, 5, 6, 7, 8, 9, 10));
  // "2:4 and 4:2 are equivalent"
  EXPECT_EQ(resolved("2:4", 9), resolved("4:2", 9));
  // "3291:* includes the UID of the last message in the mailbox, even if that value is less than 3291"
  EXPECT_TRUE(resolved("3291:*", 100).contains(100));
}

TEST(SequenceSet, Written_PrintsTheSame) {
  for (const std::string text : {"1", "*", "$", "1:*", "*:1", "*:*", "4294967295", "1:4294967295", "5,3,1", "2,4:7,9,12:*", "4:2"}) {
    SCOPED_TRACE(text);
    const auto set = parse_sequence_set(text);
    ASSERT_TRUE(set.has_value());
    EXPECT_EQ(set->text(), text == "*:*" ? "*" : text);
    EXPECT_EQ(set->saved, text == "$");
    EXPECT_EQ(set->has_star(), text.contains('*'));
  }
}

TEST(SequenceSet, Wrong_Refused) {
  struct Case {
    std::string text;
    std::size_t position;
  };
  const Case cases[] = {{"", 0},     {"0", 0},
                        {"01", 0},   {"1,", 2},
                        {",1", 0},   {"1:", 2},
                        {":1", 0},   {"1::2", 2},
                        {"1,,2", 2}, {"1:2:3", 3},
                        {"1 ", 1},   {"a", 0},
                        {"-1", 0},   {"+1", 0},
                        {"$,1", 0},  {"1,$", 2},
                        {"$$", 0},   {"**", 1},
                        {"1*", 1},   {"4294967296", 0},
                        {"1:0", 2},  {"99999999999999999999", 0}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    const auto set = parse_sequence_set(each.text);
    ASSERT_FALSE(set.has_value());
    EXPECT_EQ(set.error().position, each.position);
  }
}

TEST(SequenceSet, WholeRange_TakesNoSpaceAndNoTime) {
  const NumberSet all = resolved("1:4294967295", 3);
  EXPECT_EQ(all.ranges().size(), 1u);
  EXPECT_EQ(all.count(), 4'294'967'295u);
  EXPECT_EQ(all.intersect(resolved("1:*", 3)).text(), "1:3");
  const NumberSet tail = resolved("4294967294:4294967295", 3);
  EXPECT_THAT(numbers(tail), ElementsAre(4'294'967'294u, 4'294'967'295u));
}

TEST(SequenceSet, EmptyMailbox_StarIsNothing) {
  EXPECT_TRUE(resolved("*", 0).empty());
  EXPECT_TRUE(resolved("1:*", 0).empty());
  EXPECT_EQ(resolved("5,1:*", 0).text(), "5");
}

TEST(SequenceSet, TooManyRanges_Limit) {
  std::string text = "1";
  for (std::size_t i = 1; i < kMaxRanges; ++i) text += ",1";
  EXPECT_TRUE(parse_sequence_set(text).has_value());
  EXPECT_EQ(resolved(text, 1).text(), "1");
  text += ",1";
  const auto set = parse_sequence_set(text);
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().cause, Error::Cause::limit);
}

TEST(NumberSet, KnownUids_NoStarNoSaved) {
  EXPECT_EQ(parse_number_set("41,43:211,214:541").value().text(), "41,43:211,214:541");  // RFC 7162 3.2.5
  EXPECT_EQ(parse_number_set("7,1:3,4").value().text(), "1:4,7");
  EXPECT_FALSE(parse_number_set("1:*").has_value());
  EXPECT_FALSE(parse_number_set("$").has_value());
  EXPECT_EQ(parse_number_set("12,*").error().position, 3u);
}

TEST(NumberSet, Add_AgreesWithAPlainSet) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    NumberSet set;
    std::set<std::uint32_t> model;
    for (int i = 0; i < 40; ++i) {
      const auto number = static_cast<std::uint32_t>(random() % 60 + 1);
      set.add(number);
      model.insert(number);
    }
    EXPECT_EQ(numbers(set), std::vector<std::uint32_t>(model.begin(), model.end()));
    EXPECT_EQ(set.count(), model.size());
    EXPECT_EQ(set, parse_number_set(set.text()).value());
    EXPECT_EQ(set.min(), *model.begin());
    EXPECT_EQ(set.max(), *model.rbegin());
    for (std::uint32_t number = 1; number < 62; ++number) EXPECT_EQ(set.contains(number), model.contains(number));
  }
}

TEST(NumberSet, Intersect_IsWhatBothHold) {
  const NumberSet a = parse_number_set("1:10,20:30,40").value();
  const NumberSet b = parse_number_set("5:25,40:50").value();
  EXPECT_EQ(a.intersect(b).text(), "5:10,20:25,40");
  EXPECT_EQ(b.intersect(a), a.intersect(b));
  EXPECT_TRUE(a.intersect({}).empty());
}

}  // namespace
}  // namespace godwit::imap
