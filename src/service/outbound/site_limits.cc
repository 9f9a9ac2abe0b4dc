#include "service/outbound/site_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/toml_reader.h"
#include "grammar/smtp/path.h"

namespace godwit::outbound {

extern const std::string_view kShippedProviders;  // share/providers.toml

namespace {

constexpr std::uint64_t kMostConnections = 1'000;
constexpr std::uint64_t kMostMessages = 1'000'000;
constexpr std::size_t kName = 64;
constexpr std::uint64_t kMostInTime = 1'000'000'000;

struct Unit {
  char letter;
  Duration per;
};
constexpr Unit kUnits[] = {
    {'s', std::chrono::seconds(1)}, {'m', std::chrono::minutes(1)}, {'h', std::chrono::hours(1)}, {'d', std::chrono::days(1)}};

bool is_match(std::string_view text) {
  if (text == "*") return true;
  if (text.starts_with("*.")) text.remove_prefix(2);
  return parse_ip(text) || smtp::parse_domain(text);
}

void read_number(TomlTable& table, std::string_view key, std::uint64_t most, std::optional<std::size_t>& into) {
  std::uint64_t value = 0;
  table.count(key, value, 1, most);
  if (value > 0) into = static_cast<std::size_t>(value);
}

}  // namespace

std::string Rate::text() const {
  const auto unit = std::ranges::find(kUnits, per, &Unit::per);
  return fmt::format("{}/{}", count, unit == std::end(kUnits) ? '?' : unit->letter);
}

Result<Rate> parse_rate(std::string_view text) {
  const auto wrong = [&] {
    return fail(
        Error::syntax(fmt::format("\"{}\" is not a rate; write for example \"50/s\", \"100/m\", \"1000/h\" or \"20000/d\"", text), 0));
  };
  Rate rate;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, rate.count);
  if (number.ec != std::errc{} || rate.count == 0 || rate.count > kMostInTime || end - number.ptr != 2 || *number.ptr != '/')
    return wrong();
  const auto unit = std::ranges::find(kUnits, number.ptr[1], &Unit::letter);
  if (unit == std::end(kUnits)) return wrong();
  rate.per = unit->per;
  return rate;
}

bool SiteRule::matches(std::string_view host) const {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (match == "*") return true;
  if (!match.starts_with("*.")) return ascii_iequals(match, host);
  const std::string_view suffix = std::string_view(match).substr(1);
  return host.size() > suffix.size() && ascii_iequals(host.substr(host.size() - suffix.size()), suffix);
}

void read_site_rule(TomlTable& table, SiteRule& rule) {
  table.text("match", rule.match);
  table.text("name", rule.name);
  if (rule.name.size() > kName || rule.name.contains(' '))
    table.error("name", fmt::format("has at most {} characters, without spaces", kName));
  if (!is_match(rule.match))
    table.error("match", rule.match.empty()
                             ? "is missing; write match = \"mx.example.net\", \"*.example.net\" or \"*\""
                             : fmt::format("\"{}\" is not a host; write \"mx.example.net\", \"*.example.net\" or \"*\"", rule.match));
  read_number(table, "connections", kMostConnections, rule.connections);
  read_number(table, "messages_per_connection", kMostMessages, rule.messages_per_connection);
  std::vector<std::string> written;
  table.texts("rate", written);
  if (table.has("rate")) rule.rates.emplace();
  for (const std::string& text : written) {
    const auto rate = parse_rate(text);
    if (!rate) return table.error("rate", rate.error().text);
    rule.rates->push_back(*rate);
  }
}

const std::vector<SiteRule>& shipped_site_rules() {
  static const std::vector<SiteRule> instance = [] {
    std::vector<SiteRule> rules;
    TomlDocument document;
    GODWIT_CHECK(document.load_text(kShippedProviders));
    document.read([&](TomlTable& root) { root.tables("site", [&](TomlTable& table) { read_site_rule(table, rules.emplace_back()); }); });
    GODWIT_CHECK(document.errors().empty());
    return rules;
  }();
  return instance;
}

SiteLimits limits_of(std::string_view host, const std::vector<SiteRule>& rules, SiteLimits fallback) {
  SiteRule found;
  for (const SiteRule& rule : rules) {
    if (!rule.matches(host)) continue;
    if (!found.connections) found.connections = rule.connections;
    if (!found.messages_per_connection) found.messages_per_connection = rule.messages_per_connection;
    if (!found.rates) found.rates = rule.rates;
    if (found.name.empty()) found.name = rule.name;
  }
  return {found.connections.value_or(fallback.connections), found.messages_per_connection.value_or(fallback.messages_per_connection),
          found.rates ? *std::move(found.rates) : std::move(fallback.rates), std::move(found.name)};
}

}  // namespace godwit::outbound
