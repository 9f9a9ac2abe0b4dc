#include "check/spf/record.h"

#include <gtest/gtest.h>

namespace godwit::spf {
namespace {

using std::string_literals::operator""s;

bool valid(const std::string& terms) { return parse_record("v=spf1 " + terms).has_value(); }

TEST(Record, Version_Rfc7208Section45) {
  for (const std::string text : {"v=spf1", "V=SPF1", "v=spf1 -all", "v=spf1    "}) EXPECT_TRUE(is_spf_record(text)) << text;
  for (const std::string text : {"", "v=spf", "v=spf10", "v=spf1\t-all", " v=spf1 -all", "v=spf2.0/pra -all", "v=spf1-all"})
    EXPECT_FALSE(is_spf_record(text)) << text;
}

TEST(Record, Directives_KeepQualifierAndText) {
  const auto record = parse_record("v=spf1  +MX a:colo.Example.com/28//64 ~iP4:192.0.2.128/28 ?exists:%{d}.x.y -ALL  ");
  ASSERT_TRUE(record);
  const auto& terms = record->directives;
  ASSERT_EQ(terms.size(), 5u);
  EXPECT_EQ(terms[0].mechanism, Mechanism::mx);
  EXPECT_EQ(terms[0].qualifier, Result::pass);
  EXPECT_EQ(terms[0].text, "+MX");
  EXPECT_EQ(terms[0].cidr4, 32);
  EXPECT_EQ(terms[0].cidr6, 128);
  EXPECT_TRUE(terms[0].domain.pieces.empty());
  EXPECT_EQ(terms[1].cidr4, 28);
  EXPECT_EQ(terms[1].cidr6, 64);
  EXPECT_EQ(std::get<std::string>(terms[1].domain.pieces.at(0)), "colo.Example.com");
  EXPECT_EQ(terms[2].qualifier, Result::softfail);
  EXPECT_EQ(terms[2].network.text(), "192.0.2.128/28");
  EXPECT_EQ(terms[3].qualifier, Result::neutral);
  EXPECT_EQ(terms[4].qualifier, Result::fail);
  EXPECT_FALSE(record->redirect);
}

TEST(Record, Terms_Table) {
  struct Case {
    std::string terms;
    bool expected;
  };
  const std::vector<Case> cases = {{"", true},
                                   {"all", true},
                                   {"-all", true},
                                   {"--all", false},
                                   {"all.", false},
                                   {"all:x.org", false},
                                   {"all/8", false},
                                   {"al", false},
                                   {"allx", false},
                                   {"=all", false},
                                   {"-", false},
                                   {"1up=foo", false},
                                   {"%{d}=foo", false},
                                   // RFC 7208 5.2, 5.7: a domain is required
                                   {"include", false},
                                   {"include:", false},
                                   {"include:a.b", true},
                                   {"include:a.b/24", false},
                                   {"exists", false},
                                   {"exists:", false},
                                   {"exists:a.b", true},
                                   {"exists:a.b/24", false},
                                   // RFC 7208 5.3, 5.4, 5.5
                                   {"a", true},
                                   {"a:", false},
                                   {"a/24", true},
                                   {"a/", false},
                                   {"a//", false},
                                   {"a//64", true},
                                   {"a/24//64", true},
                                   {"a/24/64", false},
                                   {"a///64", false},
                                   {"a/33", false},
                                   {"a/032", false},
                                   {"a/00", false},
                                   {"a/0", true},
                                   {"a//129", false},
                                   {"a//0", true},
                                   {"a//064", false},
                                   {"a:a.b/24", true},
                                   {"a:a.b//64", true},
                                   {"a:a.b/24//64", true},
                                   {"a:a.b/24/", false},
                                   {"a/24:a.b", false},
                                   {"a:/24", false},
                                   {"a:example.com:8080", false},
                                   {"a:foo:bar/baz.example.com", true},
                                   {"mx", true},
                                   {"mx:", false},
                                   {"mx/24//64", true},
                                   {"ptr", true},
                                   {"ptr:", false},
                                   {"ptr/0", false},
                                   {"ptr:a.b", true},
                                   {"ptr:a.b/24", false},
                                   // RFC 7208 7.1 domain-end
                                   {"a:museum", false},
                                   {"a:museum.", false},
                                   {"a:.museum", true},
                                   {"a:a.museum.", true},
                                   {"a:a.museum..", false},
                                   {"a:abc.123", false},
                                   {"a:abc.1-2", true},
                                   {"a:111.222.33.44", false},
                                   {"a:example.-com", false},
                                   {"a:example.com-", false},
                                   {"a:example.c_m", false},
                                   {"a:foo.example.xn--zckzah", true},
                                   {"a:%{d}", true},
                                   {"a:foo%{d}", true},
                                   {"a:%{d}foo", false},
                                   {"a:%{d}.foo", true},
                                   {"a:%{d}.", false},
                                   {"a:foo.bar%%", true},
                                   {"a:a..b", true},
                                   {"a:foo=bar.example.com", true},
                                   // RFC 7208 5.6
                                   {"ip4", false},
                                   {"ip4:", false},
                                   {"ip4:1.2.3.4", true},
                                   {"ip4:1.2.3.4/0", true},
                                   {"ip4:1.2.3.4/32", true},
                                   {"ip4:1.2.3.4/33", false},
                                   {"ip4:1.2.3.4/032", false},
                                   {"ip4:1.2.3.4//32", false},
                                   {"ip4:1.2.3.4:8080", false},
                                   {"ip4:1.2.3", false},
                                   {"ip4:1.2.3.", false},
                                   {"ip4:1.2.3.4.5", false},
                                   {"ip4:1.2.3.256", false},
                                   {"ip4:1.2.3.04", false},
                                   {"ip4:1.2.3.4/", false},
                                   {"ip4:1.2.3.0/24", true},
                                   {"ip4:2001:db8::1", false},
                                   {"ip4/24", false},
                                   {"ip4:%{i}", false},
                                   {"ip6", false},
                                   {"ip6:", false},
                                   {"ip6::", false},
                                   {"ip6:::", true},
                                   {"ip6:::1.1.1.1/0", true},
                                   {"ip6:::1.1.1.1//33", false},
                                   {"ip6:::1.1.1.1/129", false},
                                   {"ip6:2001:db8::/32", true},
                                   {"ip6:Cafe:Babe:8000::/33", true},
                                   {"ip6::CAFE::BABE", false},
                                   {"ip6:1.2.3.4", false},
                                   {"ip6:::ffff:1.2.3.4", true},
                                   {"ip6:1:2:3:4:5:6:7", false},
                                   {"ip6:1:2:3:4:5:6:7:8", true},
                                   {"ip6:fe80::1%25eth0", false},
                                   {"ip:10.0.0.1", false},
                                   // RFC 7208 6
                                   {"redirect=a.b", true},
                                   {"redirect=", false},
                                   {"redirect=-all", false},
                                   {"redirect:a.b", false},
                                   {"-redirect=a.b", false},
                                   {"redirect=a.b redirect=a.b", false},
                                   {"exp=a.b", true},
                                   {"exp=", false},
                                   {"exp=-all", false},
                                   {"exp=a.b EXP=a.b", false},
                                   {"exp=%{r}.a.b", false},
                                   {"redirect=%{c}", false},
                                   {"a:%{t}", false},
                                   {"foo=", true},
                                   {"foo=%{c}", true},
                                   {"foo=%abc", false},
                                   {"foo=bar/baz:x=%%", true},
                                   {"foo=a foo=b", true},
                                   {"moo.cow-far_out=man:dog/cat", true},
                                   {"moo.cow:far_out=man", false},
                                   {"moo.cow/far_out=man", false},
                                   {"include=x", true},
                                   {"all=x", true},
                                   {"default=+", true},
                                   // RFC 7208 4.6: an error anywhere counts
                                   {"-all moo", false},
                                   {"+all ip4:1.2.3.4 foo", false},
                                   // RFC 7208 3.1, 4.6.1
                                   {"a\tmx", false},
                                   {"a\rmx", false},
                                   {"ip4:1.2.3.4\n -all", false},
                                   {"a:foo.example.com\0"s, false},
                                   {"\0"s, false},
                                   {"\x80"s
                                    "a",
                                    false},
                                   {"a:\xef\xbb\xbfgarbage.example.net", false},
                                   {"foo=\xc3\xa9", false},
                                   {"\x7f", false}};
  for (const auto& test : cases) EXPECT_EQ(valid(test.terms), test.expected) << test.terms;
}

TEST(Record, Error_NamesTermAndPosition) {
  const auto record = parse_record("v=spf1 mx  a:192.0.2.1 -all");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().position, 11u);
  EXPECT_EQ(record.error().text, "\"a:192.0.2.1\": an address is written with ip4 or ip6");
  const auto hostile = parse_record("v=spf1 \x1b[31m" + std::string(300, 'x'));
  ASSERT_FALSE(hostile);
  EXPECT_TRUE(hostile.error().text.starts_with("\"?[31mxx"));
  EXPECT_LT(hostile.error().text.size(), 200u);
}

TEST(Record, HugeRecord_IsAnError_AndABigOneIsRead) {
  std::string text = "v=spf1";
  while (text.size() + 3 <= kMaxRecord) text += " mx";
  const auto big = parse_record(text);
  ASSERT_TRUE(big);
  EXPECT_GT(big->directives.size(), 5'000u);
  const auto huge = parse_record(text + std::string(kMaxRecord, ' '));
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().cause, Error::Cause::limit);
}

}  // namespace
}  // namespace godwit::spf
