#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

struct Wanted {
  std::string types;
  std::uint64_t lines = 20;
  bool follow = false;
};

// "2026-11-22T12:18:39.123Z bounced   0k3... bob@example.net 5.1.1 550 5.1.1 No such user"
void show_event(const boost::json::object& event) {
  std::string who = text_of(event, "recipient");
  if (who.empty()) who = text_of(event, "account");
  if (const auto* count = event.if_contains("recipient_count"); who.empty() && count != nullptr)
    who = fmt::format("{} recipients", text_of(event, "recipient_count"));
  std::string what = text_of(event, "reply");
  if (what.empty()) what = text_of(event, "reason");
  const std::string status = text_of(event, "status");
  fmt::print("{}  {:9}  {:13}  {}{}{}\n", text_of(event, "time"), text_of(event, "type"), text_of(event, "message"), who,
             status.empty() ? "" : "  " + status, what.empty() ? "" : "  " + what);
}

int tail(const Options& options, const Wanted& wanted) {
  auto config = load_or_complain(options);
  if (!config) return 1;
  ControlClient client(std::move(*config));
  std::string after;
  while (true) {
    const std::string target = fmt::format("/v1/events?types={}&limit={}{}", encode_segment(wanted.types),
                                           after.empty() ? wanted.lines : 1'000, after.empty() ? "" : "&after=" + encode_segment(after));
    const auto answer = client.call("GET", target);
    if (!answer) return failed(answer.error());
    for (const auto& event : answer->at("events").as_array()) {
      if (options.json)
        fmt::print("{}\n", boost::json::serialize(event));
      else
        show_event(event.as_object());
    }
    std::fflush(stdout);
    after = text_of(answer->as_object(), "next");
    if (!wanted.follow) return 0;
    if (!answer->at("more").as_bool()) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

void show_status(const boost::json::object& answer) {
  fmt::print("the stream holds {} bytes, up to {}; {} events found no room\n", text_of(answer, "bytes"), text_of(answer, "end"),
             text_of(answer, "dropped"));
  Table table({"SINK", "TARGET", "SENT", "STATE"});
  for (const auto& item : answer.at("sinks").as_array()) {
    const auto& sink = item.as_object();
    std::string state = sink.at("behind").as_bool() ? "behind" : "up to date";
    if (sink.at("failures").to_number<std::int64_t>() > 0)
      state = fmt::format("failing since {}, next try {}: {}", text_of(sink, "waiting_since"), text_of(sink, "next_try"),
                          text_of(sink, "last_error"));
    if (sink.at("stopped").as_bool()) state = fmt::format("stopped until a reload: {}", text_of(sink, "last_error"));
    if (sink.at("gaps").to_number<std::int64_t>() > 0) state += "; events were lost to it";
    table.add({text_of(sink, "name"), text_of(sink, "target"), text_of(sink, "sent"), state});
  }
  if (!table.empty()) fmt::print("\n{}", table.text());
}

}  // namespace

void add_events_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("events", "what became of mail, as it happens");
  command->require_subcommand(1);
  auto wanted = std::make_shared<Wanted>();
  auto* sub = command->add_subcommand("tail", "the last events");
  sub->add_flag("-f,--follow", wanted->follow, "and those that come");
  sub->add_option("--type", wanted->types, "of these types alone: bounced,expired");
  sub->add_option("-n,--lines", wanted->lines, "so many")->check(CLI::Range(1, 1'000));
  sub->callback([&options, &action, wanted] { action = [&options, wanted] { return tail(options, *wanted); }; });
  command->add_subcommand("status", "who is told, and how far")->callback([&options, &action] {
    action = [&options] { return call_and_print(options, "GET", "/v1/events/status", {}, show_status); };
  });
}

}  // namespace godwit::app
