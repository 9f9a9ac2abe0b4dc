#include "grammar/pop3/language.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace godwit::pop3 {
namespace {

TEST(LanguageRange, IsOne) {
  for (const std::string text : {"*", "de", "de-CH", "en-GB-oed", "i-default", "x-klingon", "de-DE-1996", "a", "abcdefgh-12345678"})
    EXPECT_TRUE(is_language_range(text)) << text;
}

TEST(LanguageRange, IsNone) {
  for (const std::string text : {"", "-", "de-", "-de", "de--ch", "d3", "1", "**", "*-de", "de-*", "de_CH", "de CH", "abcdefghi",
                                 "de-abcdefghi", "d\xc3\xa9", "\xff"})
    EXPECT_FALSE(is_language_range(text)) << text;
  EXPECT_FALSE(is_language_range(std::string_view("d\0e", 3)));
}

TEST(LanguageLookup, Cases) {
  constexpr std::array<std::string_view, 4> kOurs{"en", "i-default", "zh-Hant", "de"};
  struct Case {
    std::string name, range, expected;
  };
  const Case cases[] = {
      {"as it is", "de", "de"},
      {"in any case", "EN", "en"},
      {"the administrator's", "*", "en"},
      {"a region that we do not know", "en-US", "en"},
      {"RFC 4647 3.4: step by step, over a single letter", "zh-Hant-CN-x-private1-private2", "zh-Hant"},
      {"of a single letter alone nothing is left", "i-klingon", ""},
      {"two subtags that belong together", "i-default", "i-default"},
      {"not a part of a tag", "zh", ""},
      {"not the begin of a word", "d", ""},
      {"another one", "mul", ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(lookup_language(each.range, kOurs), each.expected);
  }
}

}  // namespace
}  // namespace godwit::pop3
