#include "app/events_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "edge/tls/context.h"
#include "service/events/signature.h"

namespace godwit::app {
namespace {

using namespace std::chrono_literals;

void read_types(TomlTable& table, std::string_view key, events::TypeSet& types) {
  std::vector<std::string> names;
  table.texts(key, names);
  if (names.empty()) return;
  types = 0;
  for (const std::string& name : names) {
    if (const auto type = events::parse_type(name)) {
      types |= events::bit(*type);
      continue;
    }
    std::vector<std::string_view> known;
    for (const auto type : events::kTypes) known.push_back(events::to_string(type));
    table.error(key, fmt::format("\"{}\" is no event; there are: {}", name, fmt::join(known, ", ")));
  }
}

bool is_loopback(const std::string& host) {
  const auto address = parse_ip(host);
  return host == "localhost" || (address && address->is_loopback());
}

}  // namespace

void read_events(TomlTable& table, EventsConfig& config) {
  table.flag("enabled", config.enabled);
  table.duration("keep", config.keep, 1min);
  table.size("max_size", config.max_size, 32 << 20);
  table.text("file", config.file);
  if (!config.file.empty() && config.file.front() != '/')
    table.error("file", "must be an absolute path, such as \"/var/log/godwit/events.json\"");
  read_types(table, "file_events", config.file_types);
  table.size("file_max_size", config.file_max_size);
  table.duration("file_rotate", config.file_rotate);
  table.count("file_keep", config.file_keep, 0, 10'000);
}

void read_webhook(TomlTable& table, EventsConfig& config) {
  WebhookConfig webhook;
  bool http_is_fine = false;
  table.text("name", webhook.name);
  table.text("url", webhook.url);
  table.text("secret_file", webhook.secret_file);
  table.text("ca_file", webhook.ca_file);
  table.count("batch", webhook.batch, 1, 10'000);
  table.duration("timeout", webhook.timeout, 1s);
  table.flag("allow_plaintext", http_is_fine);
  read_types(table, "events", webhook.types);
  if (auto where = http::parse_url(webhook.url))
    webhook.where = *std::move(where);
  else
    table.error("url", where.error().text);
  if (!webhook.where.tls && !http_is_fine && !is_loopback(webhook.where.host))
    table.error("url", "sends who writes to whom in plain text; write https, or allow_plaintext = true if the network is yours");
  if (webhook.name.empty()) webhook.name = "webhook-" + hex_encode(crypto::sha256(webhook.url)).substr(0, 12);
  if (std::ranges::any_of(config.webhooks, [&](const WebhookConfig& other) { return other.name == webhook.name; }))
    table.error("name", fmt::format("\"{}\" is the name of a webhook above", webhook.name));
  config.webhooks.push_back(std::move(webhook));
}

std::vector<std::string> look_at_events(const EventsConfig& config) {
  std::vector<std::string> problems;
  for (const WebhookConfig& webhook : config.webhooks) {
    if (const auto key = events::read_secret(webhook.secret_file); !key) problems.push_back(key.error().text);
    if (!webhook.where.tls) continue;
    if (const auto tls = tls::ClientContext::create({tls::Level::verify, webhook.ca_file}); !tls) problems.push_back(tls.error().text);
  }
  return problems;
}

}  // namespace godwit::app
