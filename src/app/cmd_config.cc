#include <fmt/format.h>

#include "app/commands.h"
#include "edge/tls/context.h"
#include "service/routing/router.h"

namespace godwit::app {
namespace {

// What the file alone cannot show: certificates that load and routes that parse.
std::vector<std::string> check_surroundings(const Config& config) {
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < config.routes.size(); ++i)
    for (const auto& to : config.routes[i].to)
      if (to.contains("://"))
        if (const auto hop = routing::parse_hop(to); !hop) problems.push_back(fmt::format("route[{}].to: {}", i + 1, hop.error().text));
  if (!config.tls_certificate.empty())
    if (const auto context = tls::ServerContext::create({config.tls_certificate, config.tls_key}); !context)
      problems.push_back(context.error().text);
  return problems;
}

int check(const Options& options) {
  const LoadedConfig loaded = load_config(options.config_path);
  for (const ConfigError& error : loaded.errors) fmt::print(stderr, "{}\n", describe(options.config_path, error));
  std::size_t count = loaded.errors.size();
  if (count == 0)
    for (const auto& problem : check_surroundings(loaded.config)) {
      fmt::print(stderr, "{}: {}\n", options.config_path, problem);
      ++count;
    }
  if (count == 0)
    fmt::print("{} is good\n", options.config_path);
  else
    fmt::print(stderr, "{} error{}\n", count, count == 1 ? "" : "s");
  return count == 0 ? 0 : 1;
}

}  // namespace

void add_config_command(CLI::App& app, const Options& options, Action& action) {
  auto* command = app.add_subcommand("config", "look at the configuration");
  command->require_subcommand(1);
  command->add_subcommand("check", "every error with file, line and the mend")->callback([&] {
    action = [&options] { return check(options); };
  });
}

}  // namespace godwit::app
