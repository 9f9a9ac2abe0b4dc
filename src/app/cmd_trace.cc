#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

void show_stories(const boost::json::object& answer) {
  bool first = true;
  for (const auto& item : answer.at("messages").as_array()) {
    const auto& story = item.as_object();
    fmt::print("{}message {}\n", first ? "" : "\n", text_of(story, "id"));
    first = false;
    Table table({"  TIME", "EVENT", "WHAT"});
    for (const auto& row : story.at("events").as_array()) {
      const auto& event = row.as_object();
      table.add({"  " + text_of(event, "time"), text_of(event, "kind"), text_of(event, "detail")});
    }
    fmt::print("{}", table.text());
  }
}

}  // namespace

void add_trace_command(CLI::App& app, const Options& options, Action& action) {
  auto what = std::make_shared<std::string>();
  auto* command = app.add_subcommand("trace", "the story of a message");
  command->add_option("ID|ADDRESS|<MESSAGE-ID>", *what, "a message id, an address, or a header Message-ID with its brackets")->required();
  command->callback([&options, &action, what] {
    action = [&options, what] { return call_and_print(options, "GET", "/v1/trace/" + encode_segment(*what), {}, show_stories); };
  });
}

}  // namespace godwit::app
