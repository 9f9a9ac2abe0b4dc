#pragma once
// The commands of `godwit`: each parses its own words (CLI11), asks the server through a ControlClient and prints.
// Exit codes: 0, 1 (failed; the sentence is on standard error), 2 (usage).

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>

#include "app/config.h"
#include "base/result.h"

namespace godwit::app {

struct Options {
  std::string config_path = "/etc/godwit/godwit.toml";
  bool json = false;
};

// Set by the parsed subcommand; run after parsing.
using Action = std::function<int()>;

void add_serve_command(CLI::App& app, const Options& options, Action& action);
void add_demo_command(CLI::App& app, const Options& options, Action& action);
void add_quickstart_command(CLI::App& app, const Options& options, Action& action);
void add_config_command(CLI::App& app, const Options& options, Action& action);
void add_domain_command(CLI::App& app, const Options& options, Action& action);
void add_account_command(CLI::App& app, const Options& options, Action& action);
void add_alias_command(CLI::App& app, const Options& options, Action& action);
void add_mailbox_command(CLI::App& app, const Options& options, Action& action);
void add_queue_command(CLI::App& app, const Options& options, Action& action);
void add_trace_command(CLI::App& app, const Options& options, Action& action);
void add_events_command(CLI::App& app, const Options& options, Action& action);
void add_store_command(CLI::App& app, const Options& options, Action& action);

// Prints the sentence to standard error; returns 1.
int failed(const Error& error);
// The configuration, or its errors printed and nothing.
std::optional<Config> load_or_complain(const Options& options);
void print_json(const boost::json::value& value);

// Calls the API and prints: JSON as it came with --json, else what `show` makes of it (may be empty).
int call_and_print(const Options& options, const std::string& method, const std::string& target, boost::json::object body,
                   const std::function<void(const boost::json::object&)>& show);

// Text of a JSON member, "" when absent.
std::string text_of(const boost::json::object& object, std::string_view key);

}  // namespace godwit::app
