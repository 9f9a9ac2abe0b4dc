#include "app/queue_tables.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>

#include "app/commands.h"
#include "app/table.h"
#include "base/units.h"

namespace godwit::app::queue_tables {
namespace {

std::string sender_of(const boost::json::object& message) {
  const std::string from = text_of(message, "from");
  return from.empty() ? "<>" : from;
}

// "in 4m10s, at 2026-11-22T12:00:00Z"
std::string when(const boost::json::object& recipient) {
  const std::string words = text_of(recipient, "next_try");
  return words.starts_with("in ") ? words + ", at " + text_of(recipient, "next_attempt") : words;
}

// "greylisted"; empty before the first attempt
std::string class_of(const boost::json::object& recipient) {
  const auto* last = recipient.if_contains("last");
  return last ? text_of(last->as_object(), "class") : std::string();
}

std::int64_t number_of(const boost::json::object& object, const char* key) {
  const auto* field = object.if_contains(key);
  return field && field->is_number() ? field->to_number<std::int64_t>() : 0;
}

bool is_set(const boost::json::object& object, const char* key) {
  const auto* field = object.if_contains(key);
  return field && field->is_bool() && field->as_bool();
}

std::string bytes_of(const boost::json::object& object) {
  return to_string(ByteCount{static_cast<std::uint64_t>(number_of(object, "bytes"))});
}

std::string age_of(const boost::json::object& row) { return format_duration(std::chrono::seconds(number_of(row, "oldest_seconds"))); }

void show_groups(const char* title, const boost::json::array& rows) {
  Table table({title, "MESSAGES", "RECIPIENTS", "HELD", "SIZE", "OLDEST"});
  for (const auto& item : rows) {
    const auto& row = item.as_object();
    table.add(
        {text_of(row, "name"), text_of(row, "messages"), text_of(row, "recipients"), text_of(row, "held"), bytes_of(row), age_of(row)});
  }
  if (!table.empty()) fmt::print("\n{}", table.text());
}

void show_sites(const boost::json::array& sites) {
  Table table({"SITE", "WAITING", "CONNECTIONS", "STATE"});
  for (const auto& item : sites) {
    const auto& site = item.as_object();
    const bool down = site.at("down").as_bool();
    table.add({text_of(site, "site") + (site.contains("source") ? " from " + text_of(site, "source") : std::string()),
               text_of(site, "waiting"), fmt::format("{} of {}", text_of(site, "connections"), text_of(site, "most_connections")),
               down ? fmt::format("down, next try {}: {}", text_of(site, "next_probe"), text_of(site, "last_error")) : "up"});
  }
  if (!table.empty()) fmt::print("\n{}", table.text());
}

struct Group {
  const char* key;
  const char* title;
};
constexpr std::array kGroups{Group{"domain", "DOMAIN"}, Group{"tenant", "TENANT"}, Group{"sender", "SENDER"}, Group{"class", "CLASS"},
                             Group{"age", "AGE"}};

}  // namespace

void show_list(const boost::json::object& answer) {
  Table table({"ID", "ACCEPTED", "SIZE", "FROM", "TO", "NEXT TRY", "WHY IT WAITS"});
  for (const auto& item : answer.at("messages").as_array()) {
    const auto& message = item.as_object();
    for (const auto& row : message.at("recipients").as_array()) {
      const auto& recipient = row.as_object();
      if (text_of(recipient, "state") != "pending") continue;
      table.add({text_of(message, "id"), text_of(message, "accepted"), text_of(message, "size"), sender_of(message),
                 text_of(recipient, "to"), when(recipient), text_of(recipient, "why")});
    }
  }
  if (table.empty())
    fmt::print("the queue is empty\n");
  else
    fmt::print("{}", table.text());
  if (answer.at("more").as_bool()) fmt::print("there are more; narrow it with --to or --from\n");
}

void show_message(const boost::json::object& message) {
  fmt::print("id        {}\naccepted  {}\nfrom      {}\nsize      {} bytes\n", text_of(message, "id"), text_of(message, "accepted"),
             sender_of(message), text_of(message, "size"));
  if (message.at("held").as_bool()) fmt::print("held      {}\n", text_of(message, "held_because"));
  Table table({"TO", "STATE", "ATTEMPTS", "NEXT TRY", "CLASS", "WHY"});
  for (const auto& row : message.at("recipients").as_array()) {
    const auto& recipient = row.as_object();
    table.add({text_of(recipient, "to"), text_of(recipient, "state"), text_of(recipient, "attempts"), when(recipient), class_of(recipient),
               text_of(recipient, "why")});
  }
  fmt::print("\n{}", table.text());
}

void show_summary(const boost::json::object& summary) {
  fmt::print("{} messages, {} recipients, {} held, {}\n", text_of(summary, "messages"), text_of(summary, "recipients"),
             text_of(summary, "held"), bytes_of(summary));
  if (!is_set(summary, "complete")) fmt::print("the queue is still being read after the start: the tables below do not have all of it\n");
  if (const auto rules = number_of(summary, "rules"); rules > 0)
    fmt::print("{} {} in force: godwit queue rules\n", rules, rules == 1 ? "rule is" : "rules are");
  const auto& groups = summary.at("by").as_object();
  for (const Group& group : kGroups)
    if (const auto* rows = groups.if_contains(group.key)) show_groups(group.title, rows->as_array());
  if (const auto* sites = summary.if_contains("sites")) show_sites(sites->as_array());
}

void show_acted(const boost::json::object& answer, const char* done) {
  const auto asked = number_of(answer, "asked");
  const auto count = number_of(answer, "count");
  if (is_set(answer, "going_on")) {
    fmt::print("{}{} to be {}: none of them is tried any more as before, and the rest goes on in the background\n",
               is_set(answer, "at_most") ? "at most " : "", count, done);
    fmt::print("how far it is: godwit queue rules (number {})\n", number_of(answer, "number"));
    return;
  }
  if (count > asked || asked == 0) fmt::print("{} {}\n", count - asked, done);
  if (asked > 0) fmt::print("{} asked to be {}: being tried now; it takes effect when the attempt under way ends\n", asked, done);
  if (const auto busy = number_of(answer, "busy"); busy > 0)
    fmt::print("{} could not be {}: being tried now; try again, or hold them first\n", busy, done);
  if (const auto failed = number_of(answer, "failed"); failed > 0) fmt::print("{} could not be {}; the log says why\n", failed, done);
}

void show_rules(const boost::json::object& answer) {
  Table table({"NUMBER", "KIND", "WHAT", "UNTIL", "SINCE", "WHY"});
  for (const auto& item : answer.at("rules").as_array()) {
    const auto& rule = item.as_object();
    const bool action = text_of(rule, "kind") == "action";
    const std::string until = text_of(rule, "until");
    table.add({text_of(rule, "number"), action ? text_of(rule, "action") : text_of(rule, "kind"), text_of(rule, "what"),
               action          ? fmt::format("{} of {} done", number_of(rule, "done"), number_of(rule, "of"))
               : until.empty() ? "resumed"
                               : until,
               text_of(rule, "made"), text_of(rule, "why")});
  }
  if (table.empty())
    fmt::print("there are no rules\n");
  else
    fmt::print("{}", table.text());
}

void show_rule(const boost::json::object& rule) {
  if (text_of(rule, "kind") != "suspend") {
    fmt::print("new mail {} is held as it comes in (rule {})\n", text_of(rule, "what"), text_of(rule, "number"));
    return;
  }
  const std::string until = text_of(rule, "until");
  fmt::print("suspended: {}, {} (rule {})\n", text_of(rule, "what"), until.empty() ? "until resumed" : "until " + until,
             text_of(rule, "number"));
  if (const auto count = number_of(rule, "count"); count > 0) fmt::print("{} messages wait for it now\n", count);
}

void show_ended(const boost::json::object& answer) {
  for (const auto& item : answer.at("rules").as_array())
    fmt::print("ended: {} {} (rule {})\n", text_of(item.as_object(), "kind"), text_of(item.as_object(), "what"),
               text_of(item.as_object(), "number"));
  if (answer.at("rules").as_array().empty()) fmt::print("there was nothing to end\n");
}

}  // namespace godwit::app::queue_tables
