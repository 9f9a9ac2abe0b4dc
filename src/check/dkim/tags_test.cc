#include "check/dkim/tags.h"

#include <gtest/gtest.h>

#include "check/dkim/names.h"

namespace godwit::dkim {
namespace {

std::string shown(std::string_view text) {
  const auto list = TagList::parse(text);
  if (!list) return "error at " + std::to_string(list.error().position);
  std::string out;
  for (const Tag& tag : list->tags()) out += "[" + std::string(tag.name) + "|" + std::string(tag.value) + "]";
  return out;
}

TEST(Tags, Lists) {
  struct Case {
    const char* name;
    std::string input;
    std::string expected;
  };
  const Case cases[] = {
      {"one", "a=1", "[a|1]"},
      {"final semicolon", "a=1;", "[a|1]"},
      {"white space behind it", "a=1; \r\n ", "[a|1]"},
      {"white space around everything", " a = 1 ;\r\n\tb\t=\r\n 2 ", "[a|1][b|2]"},
      {"white space inside stays", "a=1  2\r\n 3", "[a|1  2\r\n 3]"},
      {"empty value", "a=;b=", "[a|][b|]"},
      {"equals signs in the value", "a=b=c==", "[a|b=c==]"},
      {"names", "x1_Y=1;X1_y=2", "[x1_Y|1][X1_y|2]"},
      {"UTF-8", "a=\xc3\xa4", "[a|\xc3\xa4]"},
      {"empty", "", "error at 0"},
      {"white space alone", "  ", "error at 0"},
      {"semicolon alone", ";", "error at 0"},
      {"two semicolons", "a=1;;", "error at 4"},
      {"semicolon in front", ";a=1", "error at 0"},
      {"no equals sign", "a=1; b", "error at 4"},
      {"no equals sign before the semicolon", "t; p=1", "error at 0"},
      {"no name", "=1", "error at 0"},
      {"digit in front", "1a=1", "error at 0"},
      {"hyphen in a name", "a-b=1", "error at 0"},
      {"space in a name", "a b=1", "error at 0"},
      {"the same twice", "a=1; b=2; a=3", "error at 9"},
      {"NUL", std::string("a=\0", 3), "error at 2"},
      {"DEL", "a=\x7f", "error at 2"},
      {"bare LF", "a=1\n 2", "error at 3"},
      {"bare CR", "a=1\r 2", "error at 3"},
      {"CRLF without white space", "a=1\r\nb", "error at 3"},
      {"CRLF at the end", "a=1;\r\n", "error at 4"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(shown(each.input), each.expected);
  }
}

TEST(Tags, AtMost100) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "a" + std::to_string(i) + "=;";
  EXPECT_TRUE(TagList::parse(text).has_value());
  EXPECT_FALSE(TagList::parse(text + "b=").has_value());
}

TEST(Tags, RangeOfTheValue_WithWhiteSpaceAround) {
  const std::string_view text = "a=1; b = x y\r\n ; c=2";
  const auto list = TagList::parse(text);
  ASSERT_TRUE(list.has_value());
  const Tag* const b = list->find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(text.substr(0, b->begin), "a=1; b =");
  EXPECT_EQ(text.substr(b->end), "; c=2");
  EXPECT_EQ(list->find("B"), nullptr);
}

TEST(Tags, SplitList) {
  using Views = std::vector<std::string_view>;
  EXPECT_EQ(split_list("a").value(), (Views{"a"}));
  EXPECT_EQ(split_list("a:b : c\r\n :d").value(), (Views{"a", "b", "c", "d"}));
  for (const char* bad : {"", " ", "a:", ":a", "a::b", "a: :b"}) EXPECT_FALSE(split_list(bad).has_value()) << bad;
}

TEST(Tags, Base64) {
  EXPECT_EQ(decode_base64("TW Fu\r\n TQ = =").value(), "ManM");
  EXPECT_EQ(decode_base64("TQ").value(), "M");  // RFC 6376 2.10: the padding is optional
  EXPECT_EQ(decode_base64("TWE").value(), "Ma");
  for (const char* bad : {"", " ", "T", "TR==", "TQ=", "TQ===", "T-==", "=", "TQ==TQ=="})
    EXPECT_FALSE(decode_base64(bad).has_value()) << bad;
}

TEST(Tags, QuotedPrintable) {
  EXPECT_EQ(decode_quoted_printable("=6A l o=\r\n 6Eg@x").value(), "jlong@x");
  EXPECT_EQ(decode_quoted_printable("").value(), "");
  for (const char* bad : {"=", "=6", "=6a", "=G0", "a=3"}) EXPECT_FALSE(decode_quoted_printable(bad).has_value()) << bad;
}

TEST(Tags, Numbers) {
  EXPECT_EQ(parse_number("0", 12), 0u);
  EXPECT_EQ(parse_number("0012", 12), 12u);
  EXPECT_EQ(parse_number("18446744073709551615", 76), 18446744073709551615u);
  EXPECT_EQ(parse_number("18446744073709551616", 76), 18446744073709551615u);
  EXPECT_EQ(parse_number(std::string(76, '9'), 76), 18446744073709551615u);
  EXPECT_EQ(parse_number(std::string(77, '9'), 76), std::nullopt);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"}) EXPECT_EQ(parse_number(bad, 12), std::nullopt) << bad;
}

TEST(Tags, HyphenatedWords) {
  for (const char* good : {"a", "rsa", "sha-256", "x--1", "Z9"}) EXPECT_TRUE(is_hyphenated_word(good)) << good;
  for (const char* bad : {"", "1a", "-a", "a-", "a b", "a_b", "*"}) EXPECT_FALSE(is_hyphenated_word(bad)) << bad;
}

TEST(Names, AsTheDnsKnowsThem) {
  EXPECT_EQ(parse_dns_name("Example.ORG", 2).value(), "example.org");
  EXPECT_EQ(parse_dns_name("s1_2024", 1).value(), "s1_2024");
  EXPECT_EQ(parse_dns_name("march2005.reykjavik", 1).value(), "march2005.reykjavik");
  EXPECT_EQ(parse_dns_name("b\xc3\xbc"
                           "cher.example",
                           2)
                .value(),
            "xn--bcher-kva.example");  // RFC 8616 5
  for (const std::string& bad : {std::string(), std::string("."), std::string("a..b"), std::string("a.b."), std::string(".a.b"),
                                 std::string("-a.b"), std::string("a-.b"), std::string("a b.c"), std::string("[192.0.2.1]"),
                                 std::string("org"), std::string(64, 'a') + ".org", std::string("\xff.org"), std::string("a.b\\c")})
    EXPECT_FALSE(parse_dns_name(bad, 2).has_value()) << bad;
  std::string longest;
  while (longest.size() < 250) longest += "a.";
  EXPECT_TRUE(parse_dns_name(longest + "org", 2).has_value());
  EXPECT_FALSE(parse_dns_name(longest + "a.org", 2).has_value());
}

TEST(Names, IsWithin) {
  EXPECT_TRUE(is_within("example.org", "example.org"));
  EXPECT_TRUE(is_within("a.b.example.org", "example.org"));
  EXPECT_FALSE(is_within("badexample.org", "example.org"));
  EXPECT_FALSE(is_within("org", "example.org"));
}

}  // namespace
}  // namespace godwit::dkim
