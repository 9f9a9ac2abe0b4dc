#pragma once
// [events] and [[webhook]]: what is told of mail, and to whom. Plain values. docs/operator/events.md.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/toml_reader.h"
#include "edge/http/url.h"
#include "state/events/event.h"

namespace godwit::app {

struct WebhookConfig {
  std::string name;  // "": by its URL
  std::string url;
  http::Url where;
  std::string secret_file;
  events::TypeSet types = events::kAllTypes;
  std::uint64_t batch = 500;
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::string ca_file;
};

struct EventsConfig {
  bool enabled = false;  // also without anybody to tell: for `godwit events tail`
  std::chrono::milliseconds keep = std::chrono::days(7);
  std::uint64_t max_size = 1ULL << 30;
  std::string file;
  events::TypeSet file_types = events::kAllTypes;
  std::uint64_t file_max_size = 100ULL << 20;
  std::chrono::milliseconds file_rotate = std::chrono::hours(24);
  std::uint64_t file_keep = 7;
  std::vector<WebhookConfig> webhooks;

  bool on() const { return enabled || !file.empty() || !webhooks.empty(); }
};

void read_events(TomlTable& table, EventsConfig& config);
void read_webhook(TomlTable& table, EventsConfig& config);

// For `config check`: secrets and CA files that cannot be read, with the mend.
std::vector<std::string> look_at_events(const EventsConfig& config);

}  // namespace godwit::app
