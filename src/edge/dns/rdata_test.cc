#include "edge/dns/rdata.h"

#include <gtest/gtest.h>

namespace godwit::dns {
namespace {

using std::string_literals::operator""s;

TEST(Rdata, A_FourBytesAndNothingElse) {
  EXPECT_EQ(parse_a("\xc0\x00\x02\x01"s).value().text(), "192.0.2.1");
  EXPECT_FALSE(parse_a(""));
  EXPECT_FALSE(parse_a("abc"));
  EXPECT_FALSE(parse_a("abcde"));
}

TEST(Rdata, Aaaa_SixteenBytes_MappedIsIpv4) {
  EXPECT_EQ(parse_aaaa("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s).value().text(), "2001:db8::1");
  EXPECT_EQ(parse_aaaa("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1"s).value(), *parse_ip("127.0.0.1"));
  EXPECT_FALSE(parse_aaaa(""));
  EXPECT_FALSE(parse_aaaa(std::string(15, 'a')));
  EXPECT_FALSE(parse_aaaa(std::string(17, 'a')));
}

TEST(Rdata, Mx_PreferenceAndName) {
  EXPECT_EQ(parse_mx("\1\2\2MX\7Example\0"s).value(), (Mx{258, "mx.example"}));
  EXPECT_EQ(parse_mx("\0\0\0"s).value(), (Mx{0, ""}));  // RFC 7505 3: null MX
  EXPECT_FALSE(parse_mx(""));
  EXPECT_FALSE(parse_mx("\0"s));
  EXPECT_FALSE(parse_mx("\0\0"s));
  EXPECT_FALSE(parse_mx("\0\0\2mx"s));
  EXPECT_FALSE(parse_mx("\0\0\2mx\0x"s));
  EXPECT_FALSE(parse_mx("\0\0\xc0\x0c"s));
}

TEST(Rdata, Name_OfCnameAndPtr) {
  EXPECT_EQ(parse_name("\4Host\0"s).value(), "host");
  EXPECT_FALSE(parse_name(""));
  EXPECT_FALSE(parse_name("\4host\0\0"s));
}

TEST(Rdata, Txt_StringsAreJoinedWithoutSpaces) {
  EXPECT_EQ(parse_txt("\7v=spf1 \4-all"s).value(), "v=spf1 -all");  // RFC 7208 3.3
  EXPECT_EQ(parse_txt("\0"s).value(), "");
  EXPECT_EQ(parse_txt("\1a\0\1b"s).value(), "ab");
  EXPECT_EQ(parse_txt("\xff" + std::string(255, 'x') + "\1y").value(), std::string(255, 'x') + "y");
  EXPECT_FALSE(parse_txt(""));
  EXPECT_FALSE(parse_txt("\2a"s));
  EXPECT_FALSE(parse_txt("\1a\1"s));
  EXPECT_FALSE(parse_txt("\xff" + std::string(254, 'x')));
}

TEST(Rdata, Txt_HugeRecord_IsReadWhole) {
  std::string rdata;
  for (int i = 0; i < 255; ++i) rdata += "\xff" + std::string(255, static_cast<char>(i));
  EXPECT_EQ(parse_txt(rdata).value().size(), 255u * 255u);
}

TEST(Rdata, Tlsa_ThreeBytesAndData) {
  const auto tlsa = parse_tlsa("\3\1\1abcd"s).value();
  EXPECT_EQ(tlsa, (Tlsa{3, 1, 1, "abcd"}));
  EXPECT_EQ(parse_tlsa("\xff\1\1"s).value(), (Tlsa{255, 1, 1, ""}));
  EXPECT_FALSE(parse_tlsa("\3\1"s));
  EXPECT_FALSE(parse_tlsa(""));
}

TEST(Rdata, Records_OneUnreadable_SpoilsTheAnswer) {
  const std::vector<std::string> bytes = {"\0\12\1a\0"s, "\0\24\1b\0"s};
  const std::vector<std::string_view> good(bytes.begin(), bytes.end());
  EXPECT_EQ(std::get<std::vector<Mx>>(parse_records(Type::mx, good).value()), (std::vector<Mx>{{10, "a"}, {20, "b"}}));
  const std::vector<std::string_view> bad = {good[0], "\0"};
  EXPECT_FALSE(parse_records(Type::mx, bad));
}

}  // namespace
}  // namespace godwit::dns
