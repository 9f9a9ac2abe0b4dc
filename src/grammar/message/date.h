#pragma once
// Date and time as mail writes them: RFC 5322 3.3, the obsolete forms of 4.3 too. Pure functions, any thread.

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::message {

struct Date {
  std::chrono::sys_seconds time;
  int offset_minutes = 0;    // of the sender's clock from UTC: +0200 is 120
  bool offset_known = true;  // false for "-0000" and unknown zone names (RFC 5322 3.3, 4.3)
  auto operator<=>(const Date&) const = default;
};

// Accepts comments and folding anywhere white space may be, two-digit years, zone names, missing seconds. A day of the week
// must be one, but is not compared with the date. A leap second (:60) is read as the second before. Errors carry position and rule.
Result<Date> parse_date(std::string_view text);

// "Sun, 22 Nov 2026 12:18:39 +0100"
std::string format_date(const Date& date);

}  // namespace godwit::message
