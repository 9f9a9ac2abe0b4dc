// godwit: parse the words, run the command.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "app/commands.h"

namespace {

// A closed 0, 1 or 2 would be taken by the next file or socket, and what is printed would go there.
void open_standard_descriptors() {
  while (true) {
    const int descriptor = open("/dev/null", O_RDWR);
    if (descriptor < 0) return;
    if (descriptor > STDERR_FILENO) {
      close(descriptor);
      return;
    }
  }
}

// CLI11 asks for the missing command before it minds the words that it does not know.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* command = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) {
      if (word == "-c" || word == "--config") ++i;
      continue;
    }
    const auto known = command->get_subcommands([&](const CLI::App* sub) { return sub->check_name(word); });
    if (known.empty()) return command->get_subcommands([](const CLI::App*) { return true; }).empty() ? "" : word;
    command = known.front();
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace godwit::app;
  umask(077);
  open_standard_descriptors();
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
  add_quickstart_command(app, options, action);
  add_config_command(app, options, action);
  add_domain_command(app, options, action);
  add_account_command(app, options, action);
  add_alias_command(app, options, action);
  add_mailbox_command(app, options, action);
  add_queue_command(app, options, action);
  add_trace_command(app, options, action);
  add_events_command(app, options, action);
  add_store_command(app, options, action);
  for (CLI::App* command : app.get_subcommands({})) {
    command->fallthrough();
    for (CLI::App* verb : command->get_subcommands({})) verb->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    const std::string unknown = unknown_command(app, argc, argv);
    if (unknown.empty()) return app.exit(error) == 0 ? 0 : 2;
    fmt::print(stderr, "godwit: there is no command \"{}\"; `godwit --help` lists them\n", unknown);
    return 2;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const int status = action();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  fmt::print(stderr, "godwit: the answer could not be written to standard output: {}\n", std::generic_category().message(errno));
  return status == 0 ? 1 : status;
}
