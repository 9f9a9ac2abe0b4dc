#include "app/commands.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdio>
#include <iostream>

#include "app/control_client.h"

namespace godwit::app {

int failed(const Error& error) {
  fmt::print(stderr, "godwit: {}\n", error.text);
  return 1;
}

std::optional<Config> load_or_complain(const Options& options) {
  LoadedConfig loaded = load_config(options.config_path);
  for (const ConfigError& error : loaded.errors) fmt::print(stderr, "{}\n", describe(options.config_path, error));
  if (!loaded.errors.empty()) return std::nullopt;
  return std::move(loaded.config);
}

void print_json(const boost::json::value& value) { std::cout << boost::json::serialize(value) << "\n"; }

int call_and_print(const Options& options, const std::string& method, const std::string& target, boost::json::object body,
                   const std::function<void(const boost::json::object&)>& show) {
  auto config = load_or_complain(options);
  if (!config) return 1;
  ControlClient client(std::move(*config));
  const auto answer = client.call(method, target, std::move(body));
  if (!answer) return failed(answer.error());
  if (options.json)
    print_json(*answer);
  else if (show && answer->is_object())
    show(answer->as_object());
  return 0;
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value) return "";
  if (value->is_string()) return std::string(value->as_string());
  return boost::json::serialize(*value);
}

}  // namespace godwit::app
