#include "app/config.h"

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "app/report_texts.h"
#include "edge/dns/unbound_resolver.h"
#include "frontend/imapd/capabilities.h"
#include "grammar/smtp/path.h"
#include "service/outbound/reply_class.h"

namespace godwit::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kForbidden[] = {"127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128", "169.254.0.0/16", "fe80::/10"};

// The machine's own name, in full where the resolver's files know it (as `hostname -f`).
std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string given = name.data();
  if (given.contains('.')) return given;
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (getaddrinfo(given.c_str(), nullptr, &hints, &found) != 0) return given;
  std::string full = found->ai_canonname ? found->ai_canonname : given;
  freeaddrinfo(found);
  return full;
}

Config defaults() {
  Config config;
  config.retry = {1min, 5min, 15min, 30min, 1h, 2h, 4h};
  for (const auto network : kForbidden) config.forbidden_networks.push_back(*parse_network(network));
  return config;
}

void read_listener(TomlTable& table, Config& config) {
  static const std::vector<std::string_view> kSpoken{"smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "http"};
  static const std::vector<std::string_view> kLater{"lmtp", "https"};
  ListenerConfig listener;
  std::string protocol;
  table.text("protocol", protocol);
  if (std::ranges::find(kLater, protocol) != kLater.end())
    table.error("protocol", fmt::format("\"{}\" is not in this release; it speaks: {}", protocol, fmt::join(kSpoken, ", ")));
  else if (std::ranges::find(kSpoken, protocol) == kSpoken.end())
    table.error("protocol", protocol.empty()
                                ? fmt::format("is missing; write protocol = \"smtp\" (or {})", fmt::join(kSpoken, ", "))
                                : fmt::format("\"{}\" is not a protocol; write one of: {}", protocol, fmt::join(kSpoken, ", ")));
  listener.protocol = protocol;
  table.endpoints("address", listener.addresses);
  if (!table.has("address")) table.error("address", "is missing; write for example address = \"0.0.0.0:25\"");
  for (const Endpoint& address : listener.addresses)  // port 0: any free one
    if (address.port != 0 && std::ranges::any_of(config.listeners, [&](const ListenerConfig& other) {
          return std::ranges::find(other.addresses, address) != other.addresses.end();
        }))
      table.error("address", fmt::format("{} is taken by a listener above", address.text()));
  for (const auto key : {"proxy_from", "xclient_from"}) {
    std::vector<Network> networks;
    table.networks(key, networks);
    if (!networks.empty()) table.error(key, "is not in this release; remove it, or leave the list empty");
  }
  config.listeners.push_back(std::move(listener));
}

void read_limits(TomlTable& table, LimitsConfig& limits) {
  table.count("connections", limits.connections, 1, 10'000'000);
  table.count("connections_per_address", limits.connections_per_address, 1, 10'000'000);
  table.duration("command_timeout", limits.command_timeout, 1s);
  table.duration("first_command_under_load", limits.first_command_under_load, 1s);
  table.duration("data_timeout", limits.data_timeout, 1s);
  table.duration("data_total", limits.data_total, 1s);
  table.size("data_minimum_rate", limits.data_minimum_rate);
  table.count("protocol_errors", limits.protocol_errors, 1, 10'000);
  table.count("command_line", limits.command_line, 512, 65'536);  // RFC 5321 4.5.3.1.4
  table.count("auth_line", limits.auth_line, 512, 65'536);
  table.count("recipients_anyone", limits.recipients_anyone, 100, 100'000);  // RFC 5321 4.5.3.1.8: at least 100
  table.count("local_messages", limits.local_messages, 0, 1'000'000);
  table.count("auth_failures", limits.auth_failures, 1, 1'000);
  table.count("burst_factor", limits.burst_factor, 0, 1'000'000);
  table.count("burst_recipients", limits.burst_recipients, 1, 1'000'000'000);
  table.count("password_checks", limits.password_checks, 0, 1'024);
  table.count("refused_recipients", limits.refused_recipients, 0, 1'000'000);
  table.duration("pop3_idle", limits.pop3_idle, 1s);
  table.duration("imap_idle", limits.imap_idle, 1s);
}

void read_imap(TomlTable& table, Config& config) {
  table.texts("without", config.imap_without);
  auto read = imapd::read_without(std::move(config.imap_without));
  if (read)
    config.imap_without = *std::move(read);
  else
    table.error("without", read.error().text);
}

void read_pop3(TomlTable& table, Config& config) {
  table.choice("expire", config.pop3_expire, {"never", "0d"});
  table.duration("login_delay", config.pop3_login_delay);
  if (config.pop3_login_delay % 1s != 0s)  // RFC 2449 6.5: seconds are announced
    table.error("login_delay", "is counted in whole seconds; write for example \"30s\"");
}

void read_route(TomlTable& table, Config& config, routing::RouteTable& routes) {
  routing::Route route;
  table.text("domain", route.domain);
  table.texts("recipient", route.recipient);
  table.texts("sender", route.sender);
  table.texts("tenant", route.tenant);
  table.texts("header", route.header);
  table.texts("to", route.to);
  table.text("tls", route.tls);
  table.text("tls_name", route.tls_name);
  table.text("user", route.user);
  table.text("password_file", route.password_file);
  table.text("pool", route.pool);
  check_pool(table, "pool", route.pool, config.egress);
  if (const auto added = routes.add(route); !added) table.error(added.error().key, added.error().text);
  config.routes.push_back(std::move(route));
}

// [[queue.share]]: a tenant's weight among the others.
void read_share(TomlTable& table, Config& config) {
  std::string tenant;
  std::uint64_t weight = 0;
  table.text("tenant", tenant);
  table.count("weight", weight, 1, 1'000);
  const auto domain = smtp::parse_domain(tenant);
  if (!domain)
    table.error("tenant", tenant.empty() ? "is missing; write the tenant's domain, such as tenant = \"example.com\""
                                         : fmt::format("\"{}\" is not a domain; write for example \"example.com\"", tenant));
  else if (!config.shares.emplace(domain->text(), static_cast<unsigned>(weight)).second)
    table.error("tenant", fmt::format("{} has a share above; remove one of the two", tenant));
  if (!table.has("weight")) table.error("weight", "is missing; write for example weight = 4: everybody else has 1");
}

template <class Pattern>
void read_patterns(TomlTable& table, std::string_view key, std::vector<Pattern>& into) {
  std::vector<std::string> texts;
  table.texts(key, texts);
  for (const std::string& text : texts)
    if (auto pattern = Pattern::parse(text))
      into.push_back(*std::move(pattern));
    else
      table.error(key, pattern.error().text);
}

// [[queue.class]]: RFC 6710 Appendix B names the levels.
void read_class(TomlTable& table, Config& config) {
  intake::PriorityClass made;
  std::string priority;
  read_patterns(table, "sender", made.sender);
  read_patterns(table, "account", made.account);
  read_patterns(table, "tenant", made.tenant);
  if (!table.has("sender") && !table.has("account") && !table.has("tenant"))
    table.error("sender", "is missing; write whose mail this is about: sender =, account = or tenant =");
  if (table.has("priority"))
    table.choice("priority", priority, {"urgent", "normal", "non-urgent"});
  else
    table.error("priority", "is missing; write \"urgent\", \"normal\" or \"non-urgent\"");
  made.priority = queue::keep_priority(priority == "urgent" ? 4 : priority == "non-urgent" ? -4 : 0);
  config.priorities.push_back(std::move(made));
}

void read_outbound(TomlTable& table, Config& config) {
  table.count("port", config.outbound_port, 1, 65'535);
  table.networks("forbidden_networks", config.forbidden_networks);
  table.count("connections_per_site", config.connections_per_site, 1, 1'000);
  table.flag("starttls", config.outbound_starttls);
  table.flag("address_literals", config.address_literals);
  read_egress_of_outbound(table, config.egress);
  table.tables("site", [&](TomlTable& site) { outbound::read_site_rule(site, config.sites.emplace_back()); });
  // what is written stands above the shipped table of providers
  if (table.has("connections_per_site")) config.sites.push_back({"*", static_cast<std::size_t>(config.connections_per_site), {}, {}});
  table.text("reply_classes", config.reply_classes_file);
  if (config.reply_classes_file.empty()) return;
  if (auto classes = outbound::ReplyClasses::load(config.reply_classes_file))
    config.reply_classes = *std::move(classes);
  else
    table.error("reply_classes", classes.error().text);
}

void check_hostname(TomlTable& root, Config& config) {
  if (config.hostname.empty()) config.hostname = system_hostname();
  const auto domain = smtp::parse_domain(config.hostname);
  if (!domain || domain->is_literal())
    root.error("hostname",
               fmt::format("\"{}\" is not a host name; write the full name by which others reach this machine, such as \"mx1.example.org\"",
                           config.hostname));
}

void check_files(TomlTable& root, const Config& config) {
  const bool needs_tls = std::ranges::any_of(config.listeners, [](const ListenerConfig& l) {
    return l.protocol == "submission" || l.protocol == "submissions" || l.protocol == "imaps" || l.protocol == "pop3s";
  });
  if (needs_tls && (config.tls_certificate.empty() || config.tls_key.empty()))
    root.error("tls", "submission, submissions, imaps and pop3s need a certificate: write [tls] with certificate = and key =");
  if (config.tls_certificate.empty() != config.tls_key.empty())
    root.error("tls", "certificate and key go together; one of them is missing");
  if (config.data_dir.empty() || config.data_dir.front() != '/')
    root.error("data_dir", "must be an absolute path, such as \"/var/lib/godwit\"");
}

void read_root(TomlTable& root, Config& config) {
  root.text("hostname", config.hostname);
  root.text("data_dir", config.data_dir);
  root.text("run_dir", config.run_dir);
  root.text("user", config.user);
  root.count("threads", config.threads, 0, 1'024);
  root.networks("allow", config.allow);
  root.tables("listener", [&](TomlTable& table) { read_listener(table, config); });
  root.table("tls", [&](TomlTable& table) {
    table.text("certificate", config.tls_certificate);
    table.text("key", config.tls_key);
  });
  root.table("store", [&](TomlTable& table) {
    table.choice("engine", config.store_engine, {"rocksdb", "postgresql"});
    if (config.store_engine == "postgresql") table.error("engine", "\"postgresql\" is not in this release; write \"rocksdb\"");
    table.size("min_free", config.store_min_free);
    table.text("secrets_key_file", config.store_secrets_key_file);
  });
  root.table("dns", [&](TomlTable& table) {
    table.texts("servers", config.dns_servers);
    table.text("trust_anchor", config.dns_trust_anchor);
    const bool of_the_system = config.dns_servers.size() == 1 && config.dns_servers[0] == "system";
    if (const auto forwarders = dns::forward_addresses(config.dns_servers); !of_the_system && !forwarders)
      table.error("servers", forwarders.error().text);
  });
  root.table("smtp", [&](TomlTable& table) {
    table.size("max_message_size", config.max_message_size, 1024);
    table.count("max_recipients", config.max_recipients, 100, 1'000'000);  // RFC 5321 4.5.3.1.8
    table.networks("relay_from", config.relay_from);
    for (const Network& network : config.relay_from)
      if (network.prefix == 0)
        table.error(
            "relay_from",
            fmt::format("{} is the whole Internet: this would be an open relay; name the networks of your own machines", network.text()));
  });
  root.table("queue", [&](TomlTable& table) {
    table.durations("retry", config.retry);
    if (config.retry.empty() || std::ranges::any_of(config.retry, [](auto step) { return step < 1s; }))
      table.error("retry",
                  "needs at least one step of a second or more; the default is [\"1m\", \"5m\", \"15m\", \"30m\", \"1h\", \"2h\", \"4h\"]");
    table.duration("expire", config.expire, 1min);
    table.duration("delay_notice", config.delay_notice);
    table.tables("share", [&](TomlTable& share) { read_share(share, config); });
    table.tables("class", [&](TomlTable& each) { read_class(each, config); });
  });
  root.table("dsn", [&](TomlTable& table) { read_dsn(table, config); });
  root.table("limits", [&](TomlTable& table) { read_limits(table, config.limits); });
  root.table("auth", [&](TomlTable& table) { table.networks("plaintext_from", config.plaintext_from); });
  root.table("imap", [&](TomlTable& table) { read_imap(table, config); });
  root.table("pop3", [&](TomlTable& table) { read_pop3(table, config); });
  root.table("mailbox", [&](TomlTable& table) {
    table.size("quota", config.mailbox_quota);
    table.count("quota_messages", config.mailbox_quota_messages, 0, 1'000'000'000);
  });
  root.table("events", [&](TomlTable& table) { read_events(table, config.events); });
  root.tables("webhook", [&](TomlTable& table) { read_webhook(table, config.events); });
  root.tables("source", [&](TomlTable& table) { read_source(table, config.egress); });
  root.tables("pool", [&](TomlTable& table) { read_pool(table, config.egress); });
  root.table("outbound", [&](TomlTable& table) { read_outbound(table, config); });
  routing::RouteTable routes;
  root.tables("route", [&](TomlTable& table) { read_route(table, config, routes); });
  root.table("log", [&](TomlTable& table) {
    table.choice("format", config.log_format, {"logfmt", "json"});
    table.choice("level", config.log_level, {"debug", "info", "warning", "error"});
  });
  root.table("trace", [&](TomlTable& table) {
    table.duration("keep", config.trace_keep, 1min);
    table.size("max_size", config.trace_max, 16 << 20);
  });
  root.table("http", [&](TomlTable& table) { table.text("metrics_token_file", config.metrics_token_file); });
  check_hostname(root, config);
  check_files(root, config);
}

LoadedConfig read_document(TomlDocument& document, bool loaded, const std::string& path) {
  LoadedConfig out{defaults(), {}, {}};
  out.config.path = path;
  if (loaded) document.read([&](TomlTable& root) { read_root(root, out.config); });
  out.errors = document.errors();
  // RFC 5321 2.3.5, 4.1.1.1: the name that we give ourselves must be a full one; on a private network it may do.
  if (loaded && !out.config.hostname.contains('.'))
    out.warnings.push_back({0, 0, "hostname",
                            fmt::format("\"{}\" is not a full name: other servers may refuse our mail; write the name by which they reach "
                                        "this machine, such as hostname = \"mx1.example.org\"",
                                        out.config.hostname)});
  return out;
}

}  // namespace

log::Level log_level_of(const Config& config) {
  if (config.log_level == "debug") return log::Level::debug;
  if (config.log_level == "warning") return log::Level::warning;
  if (config.log_level == "error") return log::Level::error;
  return log::Level::info;
}

LoadedConfig load_config(const std::string& path) {
  TomlDocument document;
  const bool loaded = document.load_file(path);
  return read_document(document, loaded, path);
}

LoadedConfig parse_config(std::string_view text, const std::string& path) {
  TomlDocument document;
  const bool loaded = document.load_text(text);
  return read_document(document, loaded, path);
}

Result<std::string> read_token(const std::string& path) {
  std::string token;
  if (path.empty()) return token;
  std::ifstream file(path);
  if (!std::getline(file, token) || token.empty())
    return fail(Error::permanent(Error::Cause::not_found, fmt::format("cannot read a token from {} ([http] metrics_token_file)", path)));
  return token;
}

std::string describe(const std::string& path, const ConfigError& error) {
  const std::string where = error.line == 0 ? path : fmt::format("{}:{}:{}", path, error.line, error.column);
  return error.key.empty() ? fmt::format("{}: {}", where, error.problem) : fmt::format("{}: {}: {}", where, error.key, error.problem);
}

}  // namespace godwit::app
