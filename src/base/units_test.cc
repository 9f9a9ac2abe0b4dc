#include "base/units.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace godwit {
namespace {

using namespace std::chrono_literals;

TEST(ByteCount, Sizes_AreRead) {
  EXPECT_EQ(parse_byte_count("512")->bytes, 512u);
  EXPECT_EQ(parse_byte_count("64KiB")->bytes, 65'536u);
  EXPECT_EQ(parse_byte_count("50MiB")->bytes, 50u << 20);
  EXPECT_EQ(parse_byte_count("1GB")->bytes, 1'000'000'000u);
  for (const char* bad : {"", "MiB", "-1", "5 MiB", "5M", "5mib", "1GiB2", "99999999999999999999", "99999999TiB"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_byte_count(bad));
  }
}

TEST(ByteCount, Text_IsForPeople) {
  EXPECT_EQ(to_string(ByteCount{50u << 20}), "50 MiB");
  EXPECT_EQ(to_string(ByteCount{1536}), "1.5 KiB");
  EXPECT_EQ(to_string(ByteCount{7}), "7 bytes");
}

TEST(Duration, Times_AreRead) {
  EXPECT_EQ(parse_duration("90s").value(), 90s);
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("5d").value(), 120h);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  for (const char* bad : {"", "5", "m", "5 m", "-5m", "5w", "999999999999d"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_duration(bad));
  }
}

TEST(Duration, Text_ShowsTwoUnits) {
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(1500ms), "1s");
  EXPECT_EQ(format_duration(25h + 3s), "1d1h");
}

TEST(Bytes, PrefixEnd_IsAboveEveryKeyWithThePrefix) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff"), "");
}

TEST(Bytes, BigEndian_RoundTrips) {
  std::string out;
  append_be16(out, 0x0102);
  append_be32(out, 0x03040506);
  append_be64(out, 0x0708090a0b0c0d0e);
  EXPECT_EQ(out, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e");
  EXPECT_EQ(read_be16(out), 0x0102);
  EXPECT_EQ(read_be32(std::string_view(out).substr(2)), 0x03040506u);
  EXPECT_EQ(read_be64(std::string_view(out).substr(6)), 0x0708090a0b0c0d0eu);
}

TEST(Bytes, Ascii_IgnoresTheLocale) {
  EXPECT_TRUE(ascii_iequals("MAIL From", "mail FROM"));
  EXPECT_FALSE(ascii_iequals("mail", "mails"));
  EXPECT_EQ(ascii_lower("ÄBC"), "Äbc");
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

}  // namespace
}  // namespace godwit
