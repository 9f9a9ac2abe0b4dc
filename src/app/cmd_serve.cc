#include <fmt/format.h>

#include "app/commands.h"
#include "app/server.h"
#include "base/log.h"

namespace godwit::app {
namespace {

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warning") return log::Level::warning;
  if (name == "error") return log::Level::error;
  return log::Level::info;
}

int serve(const Options& options) {
  auto config = load_or_complain(options);
  if (!config) return 1;
  if (config->listeners.empty()) {
    fmt::print(stderr, "godwit: {} has no [[listener]]; there is nothing to serve\n", options.config_path);
    return 1;
  }
  block_signals();
  log::start(config->log_format == "json" ? log::Format::json : log::Format::logfmt, level_of(config->log_level));
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
