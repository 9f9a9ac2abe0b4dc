#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <memory>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/table.h"

namespace godwit::app {
namespace {

void show_domains(const boost::json::object& answer) {
  if (answer.at("domains").as_array().empty()) fmt::print("there are no domains\n");
  for (const auto& row : answer.at("domains").as_array()) {
    const std::string name = text_of(row.as_object(), "domain");
    const std::string unicode = text_of(row.as_object(), "unicode");
    fmt::print("{}\n", unicode.empty() || unicode == name ? name : fmt::format("{} ({})", name, unicode));
  }
}

}  // namespace

void add_domain_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("domain", "domains whose mail is kept here");
  command->require_subcommand(1);
  auto domain = std::make_shared<std::string>();

  auto* add = command->add_subcommand("add", "take mail for DOMAIN");
  add->add_option("DOMAIN", *domain)->required();
  add->callback([&options, &action, domain] {
    action = [&options, domain] {
      return call_and_print(options, "POST", "/v1/domains", {{"domain", *domain}}, [&](const auto&) { fmt::print("{} added\n", *domain); });
    };
  });

  auto* list = command->add_subcommand("list", "the domains");
  list->callback([&] { action = [&options] { return call_and_print(options, "GET", "/v1/domains", {}, show_domains); }; });

  auto* remove = command->add_subcommand("remove", "take no more mail for DOMAIN");
  remove->add_option("DOMAIN", *domain)->required();
  remove->callback([&options, &action, domain] {
    action = [&options, domain] {
      return call_and_print(options, "DELETE", "/v1/domains/" + encode_segment(*domain), {},
                            [&](const auto&) { fmt::print("{} removed\n", *domain); });
    };
  });
}

}  // namespace godwit::app
