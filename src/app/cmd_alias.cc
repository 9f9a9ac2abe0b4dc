#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

struct AliasOptions {
  std::string address;
  std::vector<std::string> targets;
  std::string domain;
};

boost::json::object body_of(const AliasOptions& alias) {
  boost::json::array targets;
  for (const auto& target : alias.targets) targets.push_back(boost::json::value(target));
  return {{"address", alias.address}, {"targets", std::move(targets)}};
}

void show_aliases(const boost::json::object& answer) {
  Table table({"ADDRESS", "TARGETS"});
  for (const auto& row : answer.at("aliases").as_array()) {
    std::string targets;
    for (const auto& target : row.as_object().at("targets").as_array())
      targets += (targets.empty() ? "" : ", ") + std::string(target.as_string());
    table.add({text_of(row.as_object(), "address"), targets});
  }
  if (table.empty())
    fmt::print("there are no aliases\n");
  else
    fmt::print("{}", table.text());
}

}  // namespace

void add_alias_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("alias", "addresses that lead to others; *@DOMAIN catches the rest of a domain");
  command->require_subcommand(1);
  auto alias = std::make_shared<AliasOptions>();

  auto* add = command->add_subcommand("add", "let ADDRESS lead to each TARGET");
  add->add_option("ADDRESS", alias->address)->required();
  add->add_option("TARGET", alias->targets)->required();
  add->callback([&options, &action, alias] {
    action = [&options, alias] {
      return call_and_print(options, "POST", "/v1/aliases", body_of(*alias),
                            [&](const auto&) { fmt::print("{} added\n", alias->address); });
    };
  });

  auto* list = command->add_subcommand("list", "the aliases");
  list->add_option("DOMAIN", alias->domain, "only of this domain");
  list->callback([&options, &action, alias] {
    action = [&options, alias] {
      const std::string query = alias->domain.empty() ? "" : "?domain=" + encode_segment(alias->domain);
      return call_and_print(options, "GET", "/v1/aliases" + query, {}, show_aliases);
    };
  });

  auto* remove = command->add_subcommand("remove", "remove ADDRESS, or only the TARGETs named");
  remove->add_option("ADDRESS", alias->address)->required();
  remove->add_option("TARGET", alias->targets);
  remove->callback([&options, &action, alias] {
    action = [&options, alias] {
      return call_and_print(options, "DELETE", "/v1/aliases/" + encode_segment(alias->address), body_of(*alias),
                            [&](const auto&) { fmt::print("{} removed\n", alias->address); });
    };
  });
}

}  // namespace godwit::app
