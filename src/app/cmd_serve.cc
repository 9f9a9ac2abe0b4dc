#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "app/commands.h"
#include "app/server.h"
#include "base/log.h"

namespace godwit::app {
namespace {

int serve(const Options& options) {
  LoadedConfig loaded = load_config(options.config_path);
  for (const ConfigError& error : loaded.errors) fmt::print(stderr, "{}\n", describe(options.config_path, error));
  if (!loaded.errors.empty()) return 1;
  std::optional<Config> config(std::move(loaded.config));
  if (config->listeners.empty()) {
    fmt::print(stderr, "godwit: {} has no [[listener]]; there is nothing to serve\n", options.config_path);
    return 1;
  }
  block_signals();
  log::start(config->log_format == "json" ? log::Format::json : log::Format::logfmt, log_level_of(*config));
  for (const ConfigError& warning : loaded.warnings) log::warning("configuration", {{"error", describe(options.config_path, warning)}});
  if (geteuid() == 0 && config->user.empty()) log::warning("running_as_root", {{"mend", "set user = \"godwit\" in the configuration"}});
  auto server = Server::start(std::move(*config));
  if (!server) {
    log::stop();
    return failed(server.error());
  }
  (*server)->run_until_signal();
  (*server)->stop();
  server->reset();
  log::stop();
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, const Options& options, Action& action) {
  app.add_subcommand("serve", "run the server in the foreground; SIGTERM drains, SIGHUP reloads")->callback([&] {
    action = [&options] { return serve(options); };
  });
}

}  // namespace godwit::app
