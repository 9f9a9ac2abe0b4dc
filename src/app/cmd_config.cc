#include <fmt/format.h>
#include <pwd.h>

#include "app/commands.h"
#include "app/egress.h"
#include "app/route_secrets.h"
#include "edge/tls/context.h"

namespace godwit::app {
namespace {

// What the file alone cannot show: certificates that load, users and files that exist.
std::vector<std::string> check_surroundings(const Config& config) {
  std::vector<std::string> problems;
  if (config.listeners.empty()) problems.emplace_back("there is no [[listener]]: nothing would be served");
  if (!config.user.empty() && !getpwnam(config.user.c_str()))
    problems.push_back(fmt::format("user: \"{}\" does not exist on this machine; make it, or write another", config.user));
  if (!config.tls_certificate.empty())
    if (const auto context = tls::ServerContext::create({config.tls_certificate, config.tls_key}); !context)
      problems.push_back(context.error().text);
  if (const auto token = read_token(config.metrics_token_file); !token) problems.push_back(token.error().text);
  const RoutePasswords passwords = read_route_passwords(config);
  problems.insert(problems.end(), passwords.problems.begin(), passwords.problems.end());
  for (std::string& problem : look_at_events(config.events)) problems.push_back(std::move(problem));
  const EgressFindings egress = look_at_egress(config);
  problems.insert(problems.end(), egress.problems.begin(), egress.problems.end());
  for (const std::string& warning : passwords.warnings) fmt::print(stderr, "{}: {} (warning)\n", config.path, warning);
  for (const std::string& warning : egress.warnings) fmt::print(stderr, "{}: {} (warning)\n", config.path, warning);
  return problems;
}

int check(const Options& options) {
  const LoadedConfig loaded = load_config(options.config_path);
  for (const ConfigError& error : loaded.errors) fmt::print(stderr, "{}\n", describe(options.config_path, error));
  for (const ConfigError& warning : loaded.warnings) fmt::print(stderr, "{} (warning)\n", describe(options.config_path, warning));
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
