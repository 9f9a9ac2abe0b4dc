#include "base/encoding.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

struct Case {
  const char* plain;
  const char* encoded;
};

// RFC 4648 10
constexpr Case kVectors[] = {
    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

TEST(Base64, Rfc4648Section10_BothWays_Match) {
  for (const Case& c : kVectors) {
    SCOPED_TRACE(c.plain);
    EXPECT_EQ(base64_encode(c.plain), c.encoded);
    EXPECT_EQ(base64_decode(c.encoded).value(), c.plain);
  }
}

TEST(Base64, Malformed_IsRefused) {
  for (const char* text : {"Zg=", "Zg", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zh==", "Zm9=", "Z-_="}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(base64_decode(text));
  }
}

TEST(Base64, EveryByte_RoundTrips) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(base64_decode(base64_encode(all)).value(), all);
}

TEST(Hex, BothWays_Match) {
  EXPECT_EQ(hex_encode(std::string_view("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(hex_decode("00FF10").value(), std::string_view("\x00\xff\x10", 3));
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(Crc32c, Rfc3720AppendixB4_Vectors_Match) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
}

TEST(Base32, Numbers_SortAsText) {
  EXPECT_EQ(base32_encode(0), "0000000000000");
  EXPECT_EQ(base32_decode(base32_encode(UINT64_MAX)).value(), UINT64_MAX);
  EXPECT_LT(base32_encode(41), base32_encode(1'000'000'007));
  EXPECT_FALSE(base32_decode("g000000000000"));  // more than 64 bits
  EXPECT_FALSE(base32_decode("000000000000u"));
  EXPECT_FALSE(base32_decode("00"));
}

}  // namespace
}  // namespace godwit
