#include "grammar/message/date.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

std::string canonical(std::string_view text) {
  const auto date = parse_date(text);
  return date ? format_date(*date) : "error at " + std::to_string(date.error().position);
}

TEST(ParseDate, Rfc5322Examples) {
  EXPECT_EQ(canonical("Fri, 21 Nov 1997 09:55:06 -0600"), "Fri, 21 Nov 1997 09:55:06 -0600");  // A.1.1
  EXPECT_EQ(canonical("Tue, 1 Jul 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200");    // A.1.2
  EXPECT_EQ(canonical("Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)"),
            "Thu, 13 Feb 1969 23:32:00 -0330");                                                                // A.5
  EXPECT_EQ(canonical("21 Nov 97 09:55:06 GMT"), "Fri, 21 Nov 1997 09:55:06 +0000");                           // A.6.2
  EXPECT_EQ(canonical("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), "Fri, 21 Nov 1997 09:55:06 -0600");  // A.6.3
}

TEST(ParseDate, Time_IsUtc) {
  using namespace std::chrono;
  EXPECT_EQ(parse_date("Thu, 01 Jan 1970 01:00:00 +0100")->time, sys_seconds(0s));
  EXPECT_EQ(parse_date("Thu, 01 Jan 1970 01:00:00 +0100")->offset_minutes, 60);
  EXPECT_EQ(parse_date("31 Dec 1969 19:00 EST")->time, sys_seconds(0s));
  EXPECT_EQ(parse_date("1 Jan 2000 00:00:60 +0000")->time, sys_days(2000y / 1 / 1) + 59s);
}

TEST(ParseDate, Section4_3_Obsolete) {
  EXPECT_EQ(canonical("1 Jan 49 00:00 UT"), "Fri, 1 Jan 2049 00:00:00 +0000");
  EXPECT_EQ(canonical("1 Jan 50 00:00 UT"), "Sun, 1 Jan 1950 00:00:00 +0000");
  EXPECT_EQ(canonical("1 Jan 102 00:00 UT"), "Tue, 1 Jan 2002 00:00:00 +0000");
  EXPECT_EQ(canonical("1 jan 2002 9:00 pdt"), "Tue, 1 Jan 2002 09:00:00 -0700");
  EXPECT_EQ(canonical("1 Jan 2002 00:00 J"), "Tue, 1 Jan 2002 00:00:00 -0000");
  EXPECT_EQ(canonical("1 Jan 2002 00:00 Q"), "Tue, 1 Jan 2002 00:00:00 -0000");
  EXPECT_FALSE(parse_date("1 Jan 2002 00:00 -0000")->offset_known);
  EXPECT_TRUE(parse_date("1 Jan 2002 00:00 UTC")->offset_known);
}

TEST(ParseDate, WhatIsNone_IsRefused) {
  for (const char* bad : {"",
                          " ",
                          "x",
                          "Xyz, 1 Jan 2002 00:00 +0000",
                          "Fri 1 Jan 2002 00:00 +0000",
                          "0 Jan 2002 00:00 +0000",
                          "32 Jan 2002 00:00 +0000",
                          "29 Feb 2001 00:00 +0000",
                          "1 Foo 2002 00:00 +0000",
                          "1 Jan 2 00:00 +0000",
                          "1 Jan 20020 00:00 +0000",
                          "1 Jan 1899 00:00 +0000",
                          "1 Jan 2002 24:00 +0000",
                          "1 Jan 2002 00:60 +0000",
                          "1 Jan 2002 00:00:61 +0000",
                          "1 Jan 2002 00:0 +0000",
                          "1 Jan 2002 0000 +0000",
                          "1 Jan 2002 00:00",
                          "1 Jan 2002 00:00 +000",
                          "1 Jan 2002 00:00 +00000",
                          "1 Jan 2002 00:00 +0060",
                          "1 Jan 2002 00:00 +0000 x",
                          "1 Jan 2002 00:00 +0000 (open",
                          "1 Jan 2002 00:00 +0000\r\n",
                          "99999999999999999999 Jan 2002 00:00 +0000",
                          "1 Jan 2002 00:00 1"})
    EXPECT_FALSE(parse_date(bad)) << bad;
  EXPECT_EQ(parse_date("1 Jan 2002 00:00 +0000" + std::string(1'000, ' ')).error().cause, Error::Cause::limit);
}

TEST(FormatDate, ThereAndBack) {
  using namespace std::chrono;
  for (std::int64_t t = -2'000'000'000; t < 10'000'000'000; t += 77'777'777) {
    for (const int offset : {0, 60, -330, 14 * 60, -12 * 60}) {
      const Date date{sys_seconds(seconds(t)), offset, true};
      const auto again = parse_date(format_date(date));
      ASSERT_TRUE(again) << format_date(date);
      EXPECT_EQ(*again, date);
    }
  }
}

}  // namespace
}  // namespace godwit::message
