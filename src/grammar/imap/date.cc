#include "grammar/imap/date.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "base/bytes.h"

namespace godwit::imap {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Reader {
  std::string_view text;
  std::size_t at = 0;

  Result<> expect(char c) {
    if (at == text.size() || text[at] != c) return fail(Error::syntax(fmt::format("'{}' is expected in the date", c), at));
    ++at;
    return {};
  }

  Result<int> digits(std::size_t count) {
    if (text.size() - at < count) return fail(Error::syntax("the date is too short", at));
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = text[at + i];
      if (c < '0' || c > '9') return fail(Error::syntax("a digit is expected in the date", at + i));
      value = 10 * value + (c - '0');
    }
    at += count;
    return value;
  }

  Result<unsigned> month() {
    const std::string_view name = text.substr(at, 3);
    const auto found = std::ranges::find_if(kMonths, [&](std::string_view each) { return ascii_iequals(each, name); });
    if (found == kMonths.end()) return fail(Error::syntax("a month is Jan, Feb ... Dec", at));
    at += 3;
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
  }

  Result<Date> rest_of_date(int day) {
    const std::size_t begin = at;
    GODWIT_TRY(expect('-'));
    GODWIT_ASSIGN(const unsigned month_number, month());
    GODWIT_TRY(expect('-'));
    GODWIT_ASSIGN(const int year, digits(4));
    const Date date{std::chrono::year(year), std::chrono::month(month_number), std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return fail(Error::syntax("there is no such day", begin));
    return date;
  }

  Result<std::chrono::seconds> time() {
    const std::size_t begin = at;
    GODWIT_ASSIGN(const int hours, digits(2));
    GODWIT_TRY(expect(':'));
    GODWIT_ASSIGN(const int minutes, digits(2));
    GODWIT_TRY(expect(':'));
    GODWIT_ASSIGN(const int seconds, digits(2));
    if (hours > 23 || minutes > 59 || seconds > 60) return fail(Error::syntax("there is no such time of day", begin));
    return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(std::min(seconds, 59));
  }

  Result<int> zone() {
    const std::size_t begin = at;
    const bool west = at < text.size() && text[at] == '-';
    if (!west) {
      GODWIT_TRY(expect('+'));
    } else {
      ++at;
    }
    GODWIT_ASSIGN(const int hours, digits(2));
    GODWIT_ASSIGN(const int minutes, digits(2));
    if (hours > 23 || minutes > 59) return fail(Error::syntax("a zone is at most 23:59 from UTC", begin));
    const int offset = 60 * hours + minutes;
    return west ? -offset : offset;
  }

  Result<> end() const {
    if (at != text.size()) return fail(Error::syntax("nothing is expected behind the date", at));
    return {};
  }
};

}  // namespace

Result<Date> parse_date(std::string_view text) {
  Reader reader{text};
  const bool one_digit = text.size() > 1 && text[1] == '-';
  GODWIT_ASSIGN(const int day, reader.digits(one_digit ? 1 : 2));
  GODWIT_ASSIGN(const Date date, reader.rest_of_date(day));
  GODWIT_TRY(reader.end());
  return date;
}

std::string format_date(const Date& date) {
  return fmt::format("{}-{}-{:04}", static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1),
                     static_cast<int>(date.year()));
}

Result<DateTime> parse_date_time(std::string_view text) {
  Reader reader{text};
  const bool blank = text.starts_with(' ');
  if (blank) ++reader.at;
  GODWIT_ASSIGN(const int day, reader.digits(blank ? 1 : 2));
  GODWIT_ASSIGN(const Date date, reader.rest_of_date(day));
  GODWIT_TRY(reader.expect(' '));
  GODWIT_ASSIGN(const std::chrono::seconds time, reader.time());
  GODWIT_TRY(reader.expect(' '));
  GODWIT_ASSIGN(const int offset, reader.zone());
  GODWIT_TRY(reader.end());
  return DateTime{std::chrono::sys_days(date) + time - std::chrono::minutes(offset), offset};
}

std::string format_date_time(const DateTime& date) {
  const auto local = date.time + std::chrono::minutes(date.offset_minutes);
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const Date civil(day);
  const std::chrono::hh_mm_ss clock(local - day);
  const int offset = std::abs(date.offset_minutes);
  return fmt::format("{:2}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}", static_cast<unsigned>(civil.day()),
                     kMonths.at(static_cast<unsigned>(civil.month()) - 1), std::clamp(static_cast<int>(civil.year()), 0, 9999),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(), date.offset_minutes < 0 ? '-' : '+',
                     offset / 60, offset % 60);
}

}  // namespace godwit::imap
