#pragma once
// How much a site takes at once: connections, messages a connection, messages a second or an hour. Rules say so for the names of
// hosts; share/providers.toml has the shipped ones and the format. Values, pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace godwit {
class TomlTable;
}

namespace godwit::outbound {

// So many messages in so much time: "50/s", "100/m", "1000/h", "20000/d".
struct Rate {
  std::uint64_t count = 0;
  Duration per{};
  bool operator==(const Rate&) const = default;
  std::string text() const;
};
Result<Rate> parse_rate(std::string_view text);

struct SiteLimits {
  std::size_t connections = 4;
  std::size_t messages_per_connection = 1'000;
  std::vector<Rate> rates;  // all of them hold
  std::string group = {};   // whose sites these are, for people: "google"
  bool operator==(const SiteLimits&) const = default;
};

// What one entry says; nothing where it does not speak of a limit.
struct SiteRule {
  std::string match;  // "mx.example.net", "*.example.net" (below it), "*"
  std::optional<std::size_t> connections;
  std::optional<std::size_t> messages_per_connection;
  std::optional<std::vector<Rate>> rates;
  std::string name = {};  // SiteLimits::group

  bool matches(std::string_view host) const;
};

// Reads one [[site]] or [[outbound.site]]; what is wrong is noted in the table.
void read_site_rule(TomlTable& table, SiteRule& rule);
// share/providers.toml
const std::vector<SiteRule>& shipped_site_rules();

// For each limit the first rule counts that matches and speaks of it; `fallback` has the others.
SiteLimits limits_of(std::string_view host, const std::vector<SiteRule>& rules, SiteLimits fallback);

}  // namespace godwit::outbound
