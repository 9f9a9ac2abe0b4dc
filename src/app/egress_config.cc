#include "app/egress_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "grammar/smtp/path.h"
#include "service/outbound/warmup.h"

namespace godwit::app {
namespace {

constexpr std::size_t kMost = 1'000;  // sources, and members of a pool
constexpr std::uint64_t kMostWeight = 1'000;
constexpr std::string_view kVia = "write \"socks5://host:port\" or \"proxy://host:port\"";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool check_name(TomlTable& table, const std::string& name, bool taken, std::string_view what) {
  if (!is_name(name)) {
    table.error("name", name.empty() ? fmt::format("is missing; give the {} a name", what)
                                     : fmt::format("\"{}\" is no name: letters, digits, \"-\", \"_\" and \".\", at most 64", name));
    return false;
  }
  if (taken) table.error("name", fmt::format("there is a {} \"{}\" already", what, name));
  return !taken;
}

void read_addresses(TomlTable& table, SourceConfig& source) {
  std::vector<std::string> written;
  table.texts("address", written);
  for (const std::string& text : written) {
    const auto address = parse_ip(text);
    if (!address) {
      table.error("address", fmt::format("\"{}\" is not an IP address", text));
      continue;
    }
    auto& into = address->v6 ? source.v6 : source.v4;
    if (address->is_unspecified())
      table.error("address", fmt::format("{} is every address: leave `address` out, and the system chooses", text));
    else if (into)
      table.error("address", fmt::format("{} is the second one of its family; make a source of each, and a pool of them", text));
    into = *address;
  }
}

// "host:port", "[::1]:port"
bool split_host(std::string_view text, SourceConfig& source) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), source.proxy_port);
  if (error != std::errc{} || end != port.data() + port.size() || source.proxy_port == 0) return false;
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  source.proxy_host = host;
  const auto ip = parse_ip(host);
  return ip ? ip->v6 == brackets : !brackets && smtp::parse_domain(host).has_value();
}

void read_via(TomlTable& table, SourceConfig& source) {
  std::string via;
  table.text("via", via);
  if (via.empty()) return;
  std::string_view rest = via;
  if (rest.starts_with("socks5://")) {
    source.via = SourceConfig::Via::socks5;
    rest.remove_prefix(9);
  } else if (rest.starts_with("proxy://")) {
    source.via = SourceConfig::Via::proxy;
    rest.remove_prefix(8);
  } else {
    return table.error("via", fmt::format("\"{}\" is no proxy; {}", via, kVia));
  }
  if (!split_host(rest, source)) table.error("via", fmt::format("\"{}\" names no host and port; {}", via, kVia));
}

void check_via(TomlTable& table, const SourceConfig& source) {
  using Via = SourceConfig::Via;
  const bool addresses = source.v4 || source.v6;
  if (source.via == Via::socks5 && addresses)
    table.error("address", "is the SOCKS proxy's to choose; remove it, or write via = \"proxy://...\" for a proxy that is told");
  if (source.via == Via::proxy && !addresses)
    table.error("via", "needs an address: the one from which the proxy shall connect; write address = \"192.0.2.10\"");
  if (source.user.empty() != source.password_file.empty())
    table.error(source.user.empty() ? "password_file" : "user", "user and password_file go together; one of them is missing");
  if (source.via != Via::socks5 && !source.user.empty()) table.error("user", "is for a SOCKS proxy; remove it");
  if (source.user.size() > 255) table.error("user", "has more than 255 bytes, which SOCKS cannot say");
  if (!source.password_file.empty() && source.password_file.front() != '/')
    table.error("password_file", "must be an absolute path, such as \"/etc/godwit/proxy.password\"");
}

std::optional<std::chrono::sys_days> parse_day(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const auto field = [&](std::size_t at, std::size_t size, auto& into) {
    const char* end = text.data() + at + size;
    return std::from_chars(text.data() + at, end, into).ptr == end;
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !field(0, 4, year) || !field(5, 2, month) || !field(8, 2, day))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || year < 1970) return std::nullopt;
  return std::chrono::sys_days(date);
}

void read_warmup(TomlTable& table, SourceConfig& source) {
  std::string day;
  table.text("warmup", day);
  if (day.empty()) return;
  source.warmup = parse_day(day);
  if (!source.warmup) table.error("warmup", fmt::format("\"{}\" is no day; write the first one, such as \"2026-11-01\"", day));
}

void add_member(TomlTable& table, std::string_view key, const EgressConfig& egress, PoolConfig& pool, const std::string& name,
                unsigned weight) {
  if (std::ranges::find(egress.sources, name, &SourceConfig::name) == egress.sources.end())
    return table.error(key, fmt::format("there is no source \"{}\"; write [[source]] with name = \"{}\"", name, name));
  if (std::ranges::find(pool.members, name, &std::pair<std::string, unsigned>::first) != pool.members.end())
    return table.error(key, fmt::format("the source \"{}\" stands there twice", name));
  if (pool.members.size() >= kMost) return table.error(key, fmt::format("there are more than {} sources", kMost));
  pool.members.emplace_back(name, weight);
}

}  // namespace

bool EgressConfig::has_pool(const std::string& name) const { return std::ranges::find(pools, name, &PoolConfig::name) != pools.end(); }

void read_source(TomlTable& table, EgressConfig& egress) {
  SourceConfig source;
  table.text("name", source.name);
  const bool taken = std::ranges::find(egress.sources, source.name, &SourceConfig::name) != egress.sources.end();
  const bool good = check_name(table, source.name, taken, "source");
  read_addresses(table, source);
  table.text("hostname", source.hostname);
  // RFC 5321 4.1.1.1: the name of the client, or its address
  if (!source.hostname.empty() && !smtp::parse_domain(source.hostname))
    table.error("hostname", fmt::format("\"{}\" is not a host name; write the one to which the address resolves", source.hostname));
  read_via(table, source);
  table.text("user", source.user);
  table.text("password_file", source.password_file);
  check_via(table, source);
  read_warmup(table, source);
  if (egress.sources.size() >= kMost) return table.error("name", fmt::format("there are more than {} sources", kMost));
  if (good) egress.sources.push_back(std::move(source));
}

void read_pool(TomlTable& table, EgressConfig& egress) {
  PoolConfig pool;
  table.text("name", pool.name);
  const bool good = check_name(table, pool.name, egress.has_pool(pool.name), "pool");
  std::vector<std::string> names;
  table.texts("sources", names);
  for (const std::string& name : names) add_member(table, "sources", egress, pool, name, 1);
  table.tables("source", [&](TomlTable& member) {
    std::string name;
    std::uint64_t weight = 1;
    member.text("name", name);
    member.count("weight", weight, 1, kMostWeight);
    add_member(member, "name", egress, pool, name, static_cast<unsigned>(weight));
  });
  if (pool.members.empty() && names.empty() && !table.has("source"))
    table.error("sources", "is missing; write sources = [\"a1\", \"a2\"], names of [[source]] entries");
  if (good) egress.pools.push_back(std::move(pool));
}

void read_egress_of_outbound(TomlTable& table, EgressConfig& egress) {
  table.text("pool", egress.for_mx);
  check_pool(table, "pool", egress.for_mx, egress);
  table.text("warmup", egress.warmup_file);
  if (egress.warmup_file.empty()) return;
  if (auto schedule = outbound::WarmupSchedule::load(egress.warmup_file))
    egress.warmup = *std::move(schedule);
  else
    table.error("warmup", schedule.error().text);
}

void check_pool(TomlTable& table, std::string_view key, const std::string& pool, const EgressConfig& egress) {
  if (pool.empty() || egress.has_pool(pool)) return;
  table.error(key, fmt::format("there is no pool \"{}\"; write [[pool]] with name = \"{}\" and its sources", pool, pool));
}

}  // namespace godwit::app
