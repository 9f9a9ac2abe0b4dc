#include "grammar/message/date.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/bytes.h"
#include "grammar/message/lexer.h"

namespace godwit::message {
namespace {

constexpr std::size_t kMaxDate = 1'000;
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (unsigned i = 0; i < N; ++i) {
    if (ascii_iequals(names[i], name)) return i;
  }
  return std::nullopt;
}

Result<int> take_number(Lexer& lexer, std::size_t min_digits, std::size_t max_digits, const char* rule) {
  GODWIT_TRY(lexer.skip_cfws());
  const auto digits = lexer.take_digits();
  if (digits.size() < min_digits || digits.size() > max_digits) return lexer.error(rule);
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// RFC 5322 4.3: two digits 00-49 are of this century, others (and three) count from 1900
Result<int> take_year(Lexer& lexer) {
  GODWIT_TRY(lexer.skip_cfws());
  const auto begin = lexer.position();
  GODWIT_ASSIGN(const int value, take_number(lexer, 2, 4, "a year has four digits"));
  const auto digits = lexer.position() - begin;
  const int year = digits == 4 ? value : digits == 2 && value < 50 ? value + 2000 : value + 1900;
  if (year < 1900) return lexer.error("a year is 1900 or later");
  return year;
}

Result<std::chrono::seconds> take_time(Lexer& lexer) {
  GODWIT_ASSIGN(const int hour, take_number(lexer, 1, 2, "the hour is missing"));
  GODWIT_TRY(lexer.skip_cfws());
  if (!lexer.take(':')) return lexer.error("a colon stands between hour and minute");
  GODWIT_ASSIGN(const int minute, take_number(lexer, 2, 2, "the minute has two digits"));
  GODWIT_TRY(lexer.skip_cfws());
  int second = 0;
  if (lexer.take(':')) {
    GODWIT_ASSIGN(second, take_number(lexer, 2, 2, "the second has two digits"));
  }
  if (hour > 23 || minute > 59 || second > 60) return lexer.error("not a time of the day");
  return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second == 60 ? 59 : second);
}

struct Zone {
  int minutes = 0;
  bool known = true;
};

Result<Zone> take_named_zone(Lexer& lexer) {
  struct Name {
    std::string_view name;
    int hours;
  };
  // RFC 5322 4.3
  static constexpr std::array<Name, 10> kZones{
      {{"UT", 0}, {"GMT", 0}, {"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}}};
  const auto word = lexer.take_letters();
  if (word.empty()) return lexer.error("the time zone is missing");
  for (const auto& [name, hours] : kZones) {
    if (ascii_iequals(name, word)) return Zone{hours * 60, true};
  }
  // Other names, the military letters among them, mean "-0000". "UTC" and "Z" are as clear as can be.
  return Zone{0, ascii_iequals(word, "UTC") || ascii_iequals(word, "Z")};
}

Result<Zone> take_zone(Lexer& lexer) {
  GODWIT_TRY(lexer.skip_cfws());
  const char sign = lexer.peek();
  if (sign != '+' && sign != '-') return take_named_zone(lexer);
  lexer.advance();
  const auto digits = lexer.take_digits();
  if (digits.size() != 4) return lexer.error("a time zone is a sign and four digits");
  const int value = (digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 + (digits[3] - '0');
  if (value % 100 > 59) return lexer.error("a time zone has at most 59 minutes");
  const int minutes = value / 100 * 60 + value % 100;
  return Zone{sign == '-' ? -minutes : minutes, sign == '+' || minutes != 0};
}

Result<void> skip_day_name(Lexer& lexer) {
  GODWIT_TRY(lexer.skip_cfws());
  const auto word = lexer.take_letters();
  if (word.empty()) return {};
  if (!index_of(kDays, word)) return lexer.error("not a day of the week");
  GODWIT_TRY(lexer.skip_cfws());
  if (!lexer.take(',')) return lexer.error("a comma follows the day of the week");
  return {};
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
  if (text.size() > kMaxDate) return fail(Error::permanent(Error::Cause::limit, "a date of more than 1,000 bytes"));
  Lexer lexer(text);
  GODWIT_TRY(skip_day_name(lexer));
  GODWIT_ASSIGN(const int day, take_number(lexer, 1, 2, "the day of the month is missing"));
  GODWIT_TRY(lexer.skip_cfws());
  const auto month = index_of(kMonths, lexer.take_letters());
  if (!month) return lexer.error("not a month");
  GODWIT_ASSIGN(const int year, take_year(lexer));
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(*month + 1),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return lexer.error("this month has no such day");
  GODWIT_ASSIGN(const auto time, take_time(lexer));
  GODWIT_ASSIGN(const Zone zone, take_zone(lexer));
  GODWIT_TRY(lexer.skip_cfws());
  if (!lexer.at_end()) return lexer.error("something follows the date");
  return Date{std::chrono::sys_days(date) + time - std::chrono::minutes(zone.minutes), zone.minutes, zone.known};
}

std::string format_date(const Date& date) {
  const auto local = date.time + std::chrono::minutes(date.offset_minutes);
  const auto days = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day day(days);
  const std::chrono::hh_mm_ss time(local - days);
  const int offset = std::abs(date.offset_minutes);
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[std::chrono::weekday(days).c_encoding()],
                     static_cast<unsigned>(day.day()), kMonths[static_cast<unsigned>(day.month()) - 1], static_cast<int>(day.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     date.offset_minutes < 0 || !date.offset_known ? '-' : '+', offset / 60, offset % 60);
}

}  // namespace godwit::message
