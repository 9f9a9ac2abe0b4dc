#include "frontend/imapd/search_response.h"

#include <gtest/gtest.h>

namespace godwit::imapd {
namespace {

imap::ReturnOptions options(std::string_view words) {
  const auto has = [&](std::string_view word) { return words.find(word) != std::string_view::npos; };
  return {.min = has("MIN"), .max = has("MAX"), .all = has("ALL"), .count = has("COUNT"), .save = has("SAVE")};
}

std::string esearch(std::string_view words, const Matches& matches, bool uid = false) {
  std::string out;
  append_esearch(out, "a", uid, matches, options(words));
  return out;
}

TEST(Esearch, Options_SayWhatWasAskedFor) {  // RFC 9051 6.4.4, imap-imaptest esearch
  const Matches some{{2, 10, 11}, {}};
  EXPECT_EQ(esearch("MIN COUNT", some), "* ESEARCH (TAG \"a\") MIN 2 COUNT 3\r\n");
  EXPECT_EQ(esearch("ALL", some), "* ESEARCH (TAG \"a\") ALL 2,10:11\r\n");
  EXPECT_EQ(esearch("MIN MAX", some, true), "* ESEARCH (TAG \"a\") UID MIN 2 MAX 11\r\n");
  EXPECT_EQ(esearch("MIN MAX ALL COUNT", {}), "* ESEARCH (TAG \"a\") COUNT 0\r\n");
  EXPECT_EQ(esearch("ALL", {}, true), "* ESEARCH (TAG \"a\") UID\r\n");
}

TEST(Esearch, Modseq_IsOfThoseThatAreReturned) {  // RFC 4731 3.2
  const Matches some{{2, 5, 23}, {917'162'488, 917'162'500, 917'162'321}};
  EXPECT_EQ(esearch("MIN", some), "* ESEARCH (TAG \"a\") MIN 2 MODSEQ 917162488\r\n");
  EXPECT_EQ(esearch("MAX", some), "* ESEARCH (TAG \"a\") MAX 23 MODSEQ 917162321\r\n");
  EXPECT_EQ(esearch("MIN MAX", some), "* ESEARCH (TAG \"a\") MIN 2 MAX 23 MODSEQ 917162488\r\n");
  EXPECT_EQ(esearch("MIN COUNT", some), "* ESEARCH (TAG \"a\") MIN 2 COUNT 3 MODSEQ 917162500\r\n");
  EXPECT_FALSE(modseq_of({}, options("ALL")).has_value());
}

TEST(Esearch, SortedSets_KeepTheirOrder) {  // RFC 5267 3.2, RFC 7162 3.1.10
  const auto text = [](std::vector<std::uint32_t> numbers) {
    std::string out;
    append_set_in_order(out, numbers);
    return out;
  };
  EXPECT_EQ(text({5, 3, 2, 1}), "5,3,2,1");
  EXPECT_EQ(text({5, 3, 4, 2, 1}), "5,3:4,2,1");
  EXPECT_EQ(text({1, 2, 3}), "1:3");
  EXPECT_EQ(text({7}), "7");
  EXPECT_EQ(text({4'294'967'294, 4'294'967'295}), "4294967294:4294967295");
  EXPECT_EQ(text({}), "");
}

TEST(Saved, ByTheOptionsBesideIt) {  // RFC 5182 2.4, table
  const std::vector<std::uint32_t> found = {2, 10, 11};
  EXPECT_EQ(saved_of(found, options("SAVE")).text(), "2,10:11");
  EXPECT_EQ(saved_of(found, options("SAVE MIN")).text(), "2");
  EXPECT_EQ(saved_of(found, options("SAVE MAX")).text(), "11");
  EXPECT_EQ(saved_of(found, options("SAVE MIN MAX")).text(), "2,11");
  EXPECT_EQ(saved_of(found, options("SAVE MIN ALL")).text(), "2,10:11");
  EXPECT_EQ(saved_of(found, options("SAVE MAX COUNT")).text(), "2,10:11");
  EXPECT_TRUE(saved_of({}, options("SAVE MIN")).empty());
  EXPECT_EQ(saved_of(std::vector<std::uint32_t>{11}, options("SAVE MIN MAX")).text(), "11");
  EXPECT_EQ(saved_of(std::vector<std::uint32_t>{9, 3}, options("SAVE MIN MAX")).text(), "3,9");  // of a SORT
  EXPECT_FALSE(says_something(options("SAVE")));
  EXPECT_TRUE(says_something(options("SAVE COUNT")));
}

}  // namespace
}  // namespace godwit::imapd
