#include "base/utf8.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Utf8, IsStrict) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const std::string_view bad :
       {"\xc0\x80", "\xc1\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Utf8, EveryCodePoint_GoesThereAndBack) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    if (point >= 0xd800 && point < 0xe000) continue;
    std::string text;
    append_utf8(text, point);
    ASSERT_EQ(utf8_length(text), text.size()) << point;
    ASSERT_EQ(utf8_code_point(text, text.size()), point);
    ASSERT_EQ(utf8_length(std::string_view(text).substr(0, text.size() - 1)), 0u) << point;
  }
}

TEST(Utf8, ControlsAreC0DelAndC1) {
  for (const std::uint32_t control : {0x00u, 0x1fu, 0x7fu, 0x80u, 0x9fu}) EXPECT_TRUE(is_control(control));
  for (const std::uint32_t other : {0x20u, 0x7eu, 0xa0u, 0xe9u}) EXPECT_FALSE(is_control(other));
}

}  // namespace
}  // namespace godwit
