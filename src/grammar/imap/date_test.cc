#include "grammar/imap/date.h"

#include <gtest/gtest.h>

namespace godwit::imap {
namespace {

using namespace std::chrono_literals;

TEST(ImapDate, Written_Read) {
  EXPECT_EQ(parse_date("1-Feb-1994").value(), 1994y / 2 / 1);  // RFC 9051 6.4.4
  EXPECT_EQ(parse_date("01-Feb-1994").value(), 1994y / 2 / 1);
  EXPECT_EQ(parse_date("29-FEB-2024").value(), 2024y / 2 / 29);
  EXPECT_EQ(parse_date("31-dec-9999").value(), 9999y / 12 / 31);
  EXPECT_EQ(format_date(1994y / 2 / 1), "1-Feb-1994");
  EXPECT_EQ(format_date(std::chrono::year(7) / 11 / 30), "30-Nov-0007");
}

TEST(ImapDate, Wrong_Refused) {
  for (const std::string text :
       {"", "1", "1-Feb", "1-Feb-94", "1-Feb-19944", "0-Feb-1994", "30-Feb-1994", "29-Feb-2023", "32-Jan-2024", "001-Jan-2024",
        " 1-Jan-2024", "1-Foo-2024", "1-1-2024", "1 Feb 1994", "1-Feb-1994 ", "a-Feb-1994", "-1-Feb-1994"}) {
    SCOPED_TRACE(text);
    const auto date = parse_date(text);
    ASSERT_FALSE(date.has_value());
    EXPECT_LE(date.error().position, text.size());
  }
}

TEST(ImapDateTime, Written_Read) {
  struct Case {
    std::string text;
    std::chrono::sys_seconds time;
    int offset;
  };
  const Case cases[] = {
      {"17-Jul-1996 02:44:25 -0700", std::chrono::sys_days(1996y / 7 / 17) + 9h + 44min + 25s, -420},  // RFC 3501 7.4.2
      {" 7-Feb-1994 21:52:25 -0800", std::chrono::sys_days(1994y / 2 / 8) + 5h + 52min + 25s, -480},
      {"28-Mar-2009 03:15:00 +0545", std::chrono::sys_days(2009y / 3 / 27) + 21h + 30min, 345},
      {"01-Jan-0000 00:00:00 +0000", std::chrono::sys_days(std::chrono::year(0) / 1 / 1), 0},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    const auto date = parse_date_time(each.text);
    ASSERT_TRUE(date.has_value());
    EXPECT_EQ(date->time, each.time);
    EXPECT_EQ(date->offset_minutes, each.offset);
    EXPECT_EQ(parse_date_time(format_date_time(*date)).value(), *date);
  }
  EXPECT_EQ(format_date_time(parse_date_time("07-Feb-1994 21:52:25 -0800").value()), " 7-Feb-1994 21:52:25 -0800");
  EXPECT_EQ(parse_date_time("31-Dec-2016 23:59:60 +0000").value(), parse_date_time("31-Dec-2016 23:59:59 +0000").value());
}

TEST(ImapDateTime, Wrong_Refused) {
  for (const std::string text :
       {"", "7-Feb-1994 21:52:25 -0800", "17-Jul-1996", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 ", "17-Jul-1996 02:44:25 0700",
        "17-Jul-1996 02:44:25 -070", "17-Jul-1996 24:00:00 +0000", "17-Jul-1996 23:60:00 +0000", "17-Jul-1996 23:00:61 +0000",
        "17-Jul-1996 02:44:25 +2400", "17-Jul-1996 02:44:25 +0060", "17-Jul-1996 02:44:25 GMT", "17-Jul-1996  02:44:25 -0700",
        "17-Jul-1996 2:44:25 -0700", "17-Jul-1996 02:44:25 -0700 ", "Wed, 17 Jul 1996 02:44:25 -0700"}) {
    SCOPED_TRACE(text);
    const auto date = parse_date_time(text);
    ASSERT_FALSE(date.has_value());
    EXPECT_LE(date.error().position, text.size());
  }
}

}  // namespace
}  // namespace godwit::imap
