#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

struct Selection {
  std::string id;
  std::string to;
  std::string from;
};

void add_selection(CLI::App* command, const std::shared_ptr<Selection>& selection) {
  command->add_option("--id", selection->id, "this message");
  command->add_option("--to", selection->to, "messages with a recipient like PATTERN (* stands for anything)");
  command->add_option("--from", selection->from, "messages with a sender like PATTERN");
}

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
             text_of(summary, "held"), to_string(ByteCount{static_cast<std::uint64_t>(summary.at("bytes").to_number<std::int64_t>())}));
  Table table({"SITE", "WAITING", "CONNECTIONS", "STATE"});
  for (const auto& item : summary.at("sites").as_array()) {
    const auto& site = item.as_object();
    const bool down = site.at("down").as_bool();
    table.add({text_of(site, "site"), text_of(site, "waiting"),
               fmt::format("{} of {}", text_of(site, "connections"), text_of(site, "most_connections")),
               down ? fmt::format("down, next try {}: {}", text_of(site, "next_probe"), text_of(site, "last_error")) : "up"});
  }
  if (!table.empty()) fmt::print("\n{}", table.text());
}

// "2 dropped", and what is only asked for because the message is being tried this moment.
void show_acted(const boost::json::object& answer, const char* done) {
  const auto* field = answer.if_contains("asked");
  const auto asked = field ? field->to_number<std::int64_t>() : 0;
  const auto count = answer.at("count").to_number<std::int64_t>();
  if (count > asked || asked == 0) fmt::print("{} {}\n", count - asked, done);
  if (asked > 0) fmt::print("{} asked to be {}: being tried now; it takes effect when the attempt under way ends\n", asked, done);
}

void add_action(CLI::App* command, const Options& options, Action& action, const char* verb, const char* help, const char* done) {
  auto selection = std::make_shared<Selection>();
  auto* sub = command->add_subcommand(verb, help);
  add_selection(sub, selection);
  sub->callback([&options, &action, selection, verb, done] {
    action = [&options, selection, verb, done] {
      return call_and_print(options, "POST", "/v1/queue/actions",
                            {{"action", verb}, {"id", selection->id}, {"to", selection->to}, {"from", selection->from}},
                            [&](const boost::json::object& answer) { show_acted(answer, done); });
    };
  });
}

}  // namespace

void add_queue_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("queue", "mail that waits");
  command->require_subcommand(1);
  command->add_subcommand("summary", "how much waits, and where")->callback([&] {
    action = [&options] { return call_and_print(options, "GET", "/v1/queue/summary", {}, show_summary); };
  });

  auto selection = std::make_shared<Selection>();
  auto* list = command->add_subcommand("list", "each message, why it waits and when it is tried again");
  add_selection(list, selection);
  list->callback([&options, &action, selection] {
    action = [&options, selection] {
      const std::string target = fmt::format("/v1/queue?id={}&to={}&from={}", encode_segment(selection->id), encode_segment(selection->to),
                                             encode_segment(selection->from));
      return call_and_print(options, "GET", target, {}, show_list);
    };
  });

  auto* show = command->add_subcommand("show", "all about one message");
  show->add_option("ID", selection->id)->required();
  show->callback([&options, &action, selection] {
    action = [&options, selection] {
      return call_and_print(options, "GET", "/v1/queue/" + encode_segment(selection->id), {}, show_message);
    };
  });

  add_action(command, options, action, "retry", "try now", "to be tried now");
  add_action(command, options, action, "hold", "keep until released", "held");
  add_action(command, options, action, "release", "end a hold", "released");
  add_action(command, options, action, "drop", "remove without telling the sender", "dropped");
}

}  // namespace godwit::app
