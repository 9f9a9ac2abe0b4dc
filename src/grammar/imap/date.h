#pragma once
// Dates as IMAP writes them: RFC 9051 9 `date-text`, `date-time`. Pure functions, any thread.

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::imap {

using Date = std::chrono::year_month_day;  // always a day that exists

struct DateTime {
  std::chrono::sys_seconds time;
  int offset_minutes = 0;  // of the writer's clock from UTC: +0200 is 120
  auto operator<=>(const DateTime&) const = default;
};

// "1-Feb-1994", "01-feb-1994". Errors: `syntax` with position and rule.
Result<Date> parse_date(std::string_view text);
std::string format_date(const Date& date);  // "1-Feb-1994"

// What stands between the quotes: "17-Jul-1996 02:44:25 -0700", a day below ten with a blank or a zero before it.
// A leap second (:60) is read as the second before.
Result<DateTime> parse_date_time(std::string_view text);
std::string format_date_time(const DateTime& date);  // " 7-Feb-1994 22:43:04 -0800", without quotes; years 0 to 9999

}  // namespace godwit::imap
