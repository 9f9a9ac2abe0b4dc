#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/house.h"
#include "app/privileges.h"

namespace godwit::app {
namespace {

int verify(const Options& options) {
  auto config = load_or_complain(options);
  if (!config) return 1;
  ControlClient client(std::move(*config));
  const auto answer = client.call("POST", "/v1/store/verify");
  if (!answer) return failed(answer.error());
  const auto& report = answer->as_object();
  const bool good = report.at("ok").as_bool();
  if (options.json) {
    print_json(*answer);
    return good ? 0 : 1;
  }
  for (const auto& finding : report.at("findings").as_array()) fmt::print("{}\n", std::string(finding.as_string()));
  if (good)
    fmt::print("everything verifies: rows, message bytes, {} accounts\n", text_of(report, "accounts"));
  else
    fmt::print("{} findings\n", report.at("findings").as_array().size());
  return good ? 0 : 1;
}

int repair(const Options& options) {
  const auto config = load_or_complain(options);
  if (!config) return 1;
  if (const auto became = become_user(config->user, config->data_dir); !became) return failed(became.error());
  const auto found = repair_store(*config);
  if (!found) return failed(found.error());
  if (options.json) {
    boost::json::array list;
    for (const auto& sentence : *found) list.push_back(boost::json::value(sentence));
    print_json({{"ok", true}, {"findings", std::move(list)}});
    return 0;
  }
  for (const auto& sentence : *found) fmt::print("{}\n", sentence);
  fmt::print("{}\n",
             found->empty() ? "there was nothing to repair" : "repaired; what was damaged is kept beside the store, in rows.damaged");
  return 0;
}

}  // namespace

void add_store_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("store", "what is on the disk");
  command->require_subcommand(1);
  command->add_subcommand("verify", "read everything and report what does not verify")->callback([&] {
    action = [&options] { return verify(options); };
  });
  command->add_subcommand("repair", "salvage a damaged store and list what is missing; the server must be down")->callback([&] {
    action = [&options] { return repair(options); };
  });
}

}  // namespace godwit::app
