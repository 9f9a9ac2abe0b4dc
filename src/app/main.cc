// godwit: parse the words, run the command.

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "app/commands.h"

int main(int argc, char** argv) {
  using namespace godwit::app;
  umask(077);
  CLI::App app{"A complete mail system: takes mail, keeps it, brings it where it belongs, and lets people read it.", "godwit"};
  app.set_version_flag("--version", "godwit " GODWIT_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  Options options;
  app.add_option("-c,--config", options.config_path, "the configuration")->capture_default_str();
  app.add_flag("--json", options.json, "answers as JSON");
  Action action;
  add_serve_command(app, options, action);
  add_demo_command(app, options, action);
  add_config_command(app, options, action);
  add_domain_command(app, options, action);
  add_account_command(app, options, action);
  add_alias_command(app, options, action);
  add_queue_command(app, options, action);
  add_trace_command(app, options, action);
  add_store_command(app, options, action);
  for (CLI::App* command : app.get_subcommands({})) {
    command->fallthrough();
    for (CLI::App* verb : command->get_subcommands({})) verb->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return action();
}
