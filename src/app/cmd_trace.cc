#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <cstdio>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"
#include "base/units.h"

namespace godwit::app {
namespace {

struct Wanted {
  std::string what;
  std::string since;
  std::string until;
};

void show_stories(const boost::json::object& answer) {
  bool first = true;
  for (const auto& item : answer.at("messages").as_array()) {
    const auto& story = item.as_object();
    fmt::print("{}message {}\n", first ? "" : "\n", text_of(story, "id"));
    first = false;
    Table table({"  TIME", "AFTER", "EVENT", "WHAT"});
    for (const auto& row : story.at("events").as_array()) {
      const auto& event = row.as_object();
      const auto after = event.at("after_ms").to_number<std::int64_t>();
      table.add({"  " + text_of(event, "time"),
                 after < 1'000 ? fmt::format("{} ms", after) : format_duration(std::chrono::milliseconds(after)), text_of(event, "kind"),
                 text_of(event, "detail")});
    }
    fmt::print("{}", table.text());
  }
}

// "2h" ago, or "2026-11-23T10:00:00Z", or its day alone (UTC).
Result<WallTime> time_of(const std::string& text) {
  if (const auto ago = parse_duration(text))
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) - *ago;
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  const bool in_range = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 61;
  if ((read != 3 && read != 6) || !date.ok() || !in_range)
    return fail(Error::syntax(fmt::format("\"{}\" is no time; write 2h (ago), 2026-11-23 or 2026-11-23T10:00:00Z", text), 0));
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

int show(const Options& options, const Wanted& wanted) {
  std::string target = "/v1/trace/" + encode_segment(wanted.what);
  char separator = '?';
  for (const auto& [name, text] : {std::pair{"since", &wanted.since}, std::pair{"until", &wanted.until}}) {
    if (text->empty()) continue;
    const auto time = time_of(*text);
    if (!time) return failed(time.error());
    target += fmt::format("{}{}={}", separator, name, time->time_since_epoch().count());
    separator = '&';
  }
  return call_and_print(options, "GET", target, {}, show_stories);
}

}  // namespace

void add_trace_command(CLI::App& app, const Options& options, Action& action) {
  auto wanted = std::make_shared<Wanted>();
  auto* command = app.add_subcommand("trace", "the story of a message");
  command->add_option("ID|ADDRESS|<MESSAGE-ID>", wanted->what, "a message id, an address, or a header Message-ID with its brackets")
      ->required();
  command->add_option("--since", wanted->since, "accepted since then: 2h (ago), 2026-11-23, 2026-11-23T10:00:00Z")->option_text("TIME");
  command->add_option("--until", wanted->until, "accepted before then")->option_text("TIME");
  command->callback([&options, &action, wanted] { action = [&options, wanted] { return show(options, *wanted); }; });
}

}  // namespace godwit::app
