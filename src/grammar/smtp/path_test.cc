#include "grammar/smtp/path.h"

#include <gtest/gtest.h>

namespace godwit::smtp {
namespace {

std::string long_label(std::size_t n) { return std::string(n, 'a'); }

TEST(ParseAddress, Rfc5321Mailbox_ComesOutCanonical) {
  struct Case {
    std::string name, input, local, domain;
  };
  const std::vector<Case> cases{
      {"4.1.1.3", "userc@d.bar.org", "userc", "d.bar.org"},
      {"2.4 case of the local part is kept, the domain's is not", "Smith@BAR.Com", "Smith", "bar.com"},
      {"quoted", R"("John Doe"@example.org)", "John Doe", "example.org"},
      {"quoted though not needed", R"("joe"@example.org)", "joe", "example.org"},
      {"quoted pairs", R"("a\"b\\c"@example.org)", R"(a"b\c)", "example.org"},
      {"4.1.2 empty quoted string", R"(""@example.org)", "", "example.org"},
      {"an @ inside", R"("a@b"@example.org)", "a@b", "example.org"},
      {"all of atext", "!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "example.org"},
      {"one label", "root@localhost", "root", "localhost"},
      {"digits", "a@123.example", "a", "123.example"},
      {"numeric top level", "a@1.2.3.4", "a", "1.2.3.4"},
      {"4.1.3 IPv4", "a@[192.0.2.1]", "a", "[192.0.2.1]"},
      {"4.1.3 leading zeros are decimal", "a@[192.000.002.010]", "a", "[192.0.2.10]"},
      {"4.1.3 IPv6", "a@[IPv6:2001:DB8::1]", "a", "[IPv6:2001:db8::1]"},
      {"4.1.3 tag in any case", "a@[ipv6:2001:db8:0:0:0:0:0:1]", "a", "[IPv6:2001:db8::1]"},
      {"4.1.3 IPv6v4-comp", "a@[IPv6:1::11.22.33.44]", "a", "[IPv6:1::b16:212c]"},
      {"4.1.3 IPv6v4-full", "a@[IPv6:1:2:3:4:5:6:11.22.33.044]", "a", "[IPv6:1:2:3:4:5:6:b16:212c]"},
      {"4.1.3 nothing but ::", "a@[IPv6:::]", "a", "[IPv6:::]"},
      {"RFC 6531 local part", "ἱερός@example.org", "ἱερός", "example.org"},
      {"RFC 6531 U-labels", "a@Bücher.example", "a", "xn--bcher-kva.example"},
      {"UTS 46 non-transitional sharp s", "a@straße.example", "a", "xn--strae-oqa.example"},
      {"UTS 46 ideographic full stop", "a@例え。テスト", "a", "xn--r8jz45g.xn--zckzah"},
      {"A-labels pass as they are", "a@XN--BCHER-KVA.example", "a", "xn--bcher-kva.example"},
      {"64 bytes", std::string(64, 'x') + "@example.org", std::string(64, 'x'), "example.org"},
      {"a label of 63", "a@" + long_label(63) + ".org", "a", long_label(63) + ".org"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto address = parse_address(c.input);
    ASSERT_TRUE(address) << address.error().text << " at " << address.error().position;
    EXPECT_EQ(address->local.text(), c.local);
    EXPECT_EQ(address->domain.text(), c.domain);
    const auto again = parse_address(address->text());
    ASSERT_TRUE(again) << address->text();
    EXPECT_EQ(*again, *address);
  }
}

TEST(ParseAddress, WhatIsNoMailbox_IsRefusedWithPosition) {
  struct Case {
    std::string name, input;
    std::size_t position;
  };
  const std::vector<Case> cases{
      {"empty", "", 0},
      {"no domain", "joe", 3},
      {"no domain after @", "joe@", 4},
      {"no local part", "@example.org", 0},
      {"leading dot", ".joe@example.org", 0},
      {"trailing dot", "joe.@example.org", 3},
      {"two dots", "a..b@example.org", 2},
      {"blank", "a b@example.org", 1},
      {"two @", "a@b@example.org", 3},
      {"unclosed quote", "\"joe@example.org", 16},
      {"text after the quote", "\"joe\"x@example.org", 5},
      {"control in quotes", "\"a\rb\"@example.org", 2},
      {"DEL", "a\x7f@example.org", 1},
      {"NUL", std::string("a\0@example.org", 14), 1},
      {"quoted NUL", std::string("\"\\\0\"@example.org", 16), 2},
      {"quoted pair of UTF-8", "\"\\\xc2\xa9\"@example.org", 2},
      {"comment", "a(b)@example.org", 1},
      {"underscore in a domain", "a@_dmarc.example.org", 2},
      {"hyphen in front", "a@-b.example", 2},
      {"hyphen at the end", "a@b-.example", 3},
      {"empty label", "a@b..example", 4},
      {"dot in front", "a@.example", 2},
      {"dot at the end", "a@example.", 10},
      {"long label", "a@" + long_label(64) + ".org", 65},
      {"long local part", std::string(65, 'x') + "@example.org", 64},
      {"broken UTF-8", "a\xff@example.org", 1},
      {"overlong UTF-8", "\xc0\xaf@example.org", 0},
      {"surrogate", "\xed\xa0\x80@example.org", 0},
      {"C1 control", "a\xc2\x85@example.org", 1},
      {"broken UTF-8 in the domain", "a@\xff.org", 2},
      {"CheckBidi", "a@א1b.example", 2},
      {"ContextJ",
       "a@a\xe2\x80\x8d"
       "b.example",
       2},
      {"literal without end", "a@[192.0.2.1", 12},
      {"literal of 256", "a@[192.0.2.256]", 3},
      {"literal with a tail", "a@[192.0.2.1.5]", 3},
      {"bare IPv6", "a@[2001:db8::1]", 3},
      {"text behind a literal", "a@[192.0.2.1]x", 14},
      {"IPv6 of nine groups", "a@[IPv6:1:2:3:4:5:6:7:8:9]", 8},
      {":: for one group only", "a@[IPv6:1:2:3:4:5:6:7::]", 8},
      {":: twice", "a@[IPv6:1::2::3]", 8},
      {"five digits", "a@[IPv6:00001::]", 8},
      {"unknown tag", "a@[IPv5:1]", 3},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto address = parse_address(c.input);
    ASSERT_FALSE(address) << address->text();
    EXPECT_EQ(address.error().position, c.position) << address.error().text;
    EXPECT_EQ(address.error().cause, Error::Cause::syntax);
  }
}

// RFC 5321 4.5.3.1.3: a path has at most 256 bytes with its brackets
TEST(ParseAddress, Length_254IsTheLimit) {
  const std::string domain = long_label(63) + "." + long_label(63) + "." + long_label(63) + ".";
  const std::string fits = "a@" + domain + long_label(60);
  ASSERT_EQ(fits.size(), 254U);
  EXPECT_TRUE(parse_address(fits));
  EXPECT_FALSE(parse_address("a" + fits));
  EXPECT_FALSE(parse_domain(domain + long_label(62)));
}

TEST(ParseAddress, ALabelsMakeItTooLong_IsRefused) {
  std::string domain;
  for (int i = 0; i < 13; ++i) domain += "日本語日本語.";
  EXPECT_FALSE(parse_address(std::string(60, 'a') + "@" + domain + "example"));
}

TEST(LocalPart, Quoted_OnlyWhereItMust) {
  EXPECT_EQ(make_local_part("a.b")->quoted(), "a.b");
  EXPECT_EQ(make_local_part("a..b")->quoted(), "\"a..b\"");
  EXPECT_EQ(make_local_part("a b")->quoted(), "\"a b\"");
  EXPECT_EQ(make_local_part(R"(a"\)")->quoted(), R"("a\"\\")");
  EXPECT_EQ(make_local_part("")->quoted(), "\"\"");
  EXPECT_FALSE(make_local_part(std::string(62, '"')));  // would be 126 as written
  EXPECT_FALSE(make_local_part("a\nb"));
  EXPECT_TRUE(make_local_part("é"));
  EXPECT_FALSE(make_local_part("é")->is_ascii());
}

TEST(Domain, Within_CountsWholeLabels) {
  const auto domain = [](const char* text) { return *parse_domain(text); };
  EXPECT_TRUE(domain("example.org").is_within(domain("example.org")));
  EXPECT_TRUE(domain("a.b.example.org").is_within(domain("example.org")));
  EXPECT_FALSE(domain("badexample.org").is_within(domain("example.org")));
  EXPECT_FALSE(domain("example.org").is_within(domain("a.example.org")));
  EXPECT_FALSE(domain("example.org").is_within(Domain()));
}

TEST(Domain, Unicode_IsForPeople) {
  EXPECT_EQ(parse_domain("xn--bcher-kva.example")->unicode(), "bücher.example");
  EXPECT_EQ(parse_domain("example.org")->unicode(), "example.org");
  EXPECT_EQ(parse_domain("xn--example.com")->unicode(), "xn--example.com");  // no punycode: as it is
  EXPECT_EQ(parse_domain("[192.0.2.1]")->unicode(), "[192.0.2.1]");
}

TEST(Domain, Literal_GivesTheAddress) {
  EXPECT_EQ(parse_domain("[IPv6:2001:db8::1]")->literal()->text(), "2001:db8::1");
  EXPECT_EQ(parse_domain("[192.0.2.1]")->literal()->text(), "192.0.2.1");
  EXPECT_FALSE(parse_domain("example.org")->literal());
  EXPECT_EQ(parse_domain("[IPv6:::ffff:192.0.2.1]")->text(), "[192.0.2.1]");
}

TEST(ParsePath, Rfc5321AppendixC_SourceRouteIsDropped) {
  EXPECT_EQ(parse_forward_path("<@hosta.int,@jkl.org:userc@d.bar.org>")->text(), "userc@d.bar.org");
  EXPECT_EQ(parse_forward_path("<@[IPv6:2001:db8::1],@[192.0.2.1]:a@b.example>")->text(), "a@b.example");
  EXPECT_EQ(parse_reverse_path("<@a.example:\"x:y\"@b.example>")->text(), "\"x:y\"@b.example");
  for (const char* bad : {"<@a.example>", "<@a.example,:a@b.example>", "<@:a@b>", "<@a.example,b.example:a@b>", "<@a_b:a@b>", "<@a:>"}) {
    EXPECT_FALSE(parse_forward_path(bad)) << bad;
  }
}

TEST(ParsePath, Brackets_AreRequired) {
  EXPECT_TRUE(parse_reverse_path("<>")->is_null());
  EXPECT_EQ(parse_reverse_path("<a@b.example>")->address().text(), "a@b.example");
  for (const char* bad : {"", "<", ">", "a@b.example", "<a@b.example", "a@b.example>", "<a@b.example>>", "<<a@b.example>", "< a@b.example>",
                          "<a@b.example >", "< >"}) {
    EXPECT_FALSE(parse_reverse_path(bad)) << bad;
  }
  EXPECT_FALSE(parse_forward_path("<>"));
}

}  // namespace
}  // namespace godwit::smtp
