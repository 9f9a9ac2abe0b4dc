#pragma once
// The configuration: typed settings out of one TOML file, every default safe on the Internet. godwit.toml(5), DESIGN.md.
// Plain values; immutable once loaded. Every key and default is documented in docs/operator/configuration.md.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/egress_config.h"
#include "app/events_config.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/toml_reader.h"
#include "service/intake/priority_class.h"
#include "service/outbound/site_limits.h"
#include "service/routing/router.h"

namespace godwit::outbound {
class ReplyClasses;
}

namespace godwit::dsn {
class Texts;
}

namespace godwit::app {

using std::chrono::milliseconds;

struct ListenerConfig {
  std::string protocol;  // smtp | submission | submissions | imap | imaps | pop3 | pop3s | http
  std::vector<Endpoint> addresses;
};

struct LimitsConfig {
  std::uint64_t connections = 10'000;
  std::uint64_t connections_per_address = 100;
  milliseconds command_timeout = std::chrono::minutes(5);  // RFC 5321 4.5.3.2.7
  milliseconds data_timeout = std::chrono::minutes(3);
  milliseconds data_total = std::chrono::hours(2);
  std::uint64_t data_minimum_rate = 1024;  // bytes a second after the first minute
  milliseconds first_command_under_load = std::chrono::seconds(30);
  std::uint64_t protocol_errors = 20;
  std::uint64_t refused_recipients = 100;  // in a session without one that was accepted; 0 = no limit
  std::uint64_t command_line = 4'096;
  std::uint64_t auth_line = 12'288;  // RFC 4954 4
  std::uint64_t recipients_anyone = 100;
  std::uint64_t local_messages = 600;  // a minute, of one user of this machine through sendmail; 0 = no limit
  std::uint64_t auth_failures = 5;
  std::uint64_t burst_factor = 10;                    // times its habit, and an account is held; 0 = never
  std::uint64_t burst_recipients = 500;               // within an hour: nobody is held for less
  std::uint64_t password_checks = 0;                  // at once; 0 = as many as threads
  milliseconds pop3_idle = std::chrono::minutes(10);  // RFC 1939 3
  milliseconds imap_idle = std::chrono::minutes(30);  // RFC 9051 5.4
};

struct Config {
  std::string path;
  std::string hostname;
  std::string data_dir = "/var/lib/godwit";
  std::string run_dir;  // "" = data_dir
  std::string user;
  std::uint64_t threads = 0;
  std::vector<Network> allow;

  std::vector<ListenerConfig> listeners;

  std::string tls_certificate;
  std::string tls_key;

  std::string store_engine = "rocksdb";
  std::uint64_t store_min_free = 1ULL << 30;
  std::string store_secrets_key_file;

  std::vector<std::string> dns_servers;
  std::string dns_trust_anchor = "/usr/share/dns/root.key";

  std::uint64_t max_message_size = 50ULL << 20;
  std::uint64_t max_recipients = 1'000;
  std::vector<Network> relay_from;

  std::vector<milliseconds> retry;
  milliseconds expire = std::chrono::days(5);
  milliseconds delay_notice = std::chrono::hours(4);
  std::map<std::string, unsigned, std::less<>> shares;  // of tenants
  std::vector<intake::PriorityClass> priorities;

  std::string dsn_templates;                    // a folder; "": the shipped texts alone
  std::shared_ptr<const dsn::Texts> dsn_texts;  // of reports; null: as shipped, in English

  LimitsConfig limits;

  std::vector<Network> plaintext_from;    // who may log in to IMAP and POP3 without TLS
  std::vector<std::string> imap_without;  // capabilities, in upper case
  std::string pop3_expire = "never";      // RFC 2449 6.7: or "0d", what was retrieved goes at QUIT
  milliseconds pop3_login_delay{};        // RFC 2449 6.5: whole seconds; 0 = none
  std::uint64_t mailbox_quota = 0;        // octets an account may hold; 0 = no limit
  std::uint64_t mailbox_quota_messages = 0;

  std::uint64_t outbound_port = 25;
  std::vector<Network> forbidden_networks;
  std::uint64_t connections_per_site = 4;
  std::vector<outbound::SiteRule> sites;  // as written; they stand before the shipped ones
  std::string reply_classes_file;
  std::shared_ptr<const outbound::ReplyClasses> reply_classes;  // null: the shipped table
  bool outbound_starttls = true;                                // where it is offered
  bool address_literals = false;                                // send to user@[192.0.2.1]

  EgressConfig egress;
  EventsConfig events;

  std::vector<routing::Route> routes;

  std::string log_format = "logfmt";
  std::string log_level = "info";
  milliseconds trace_keep = std::chrono::days(14);
  std::uint64_t trace_max = 1ULL << 30;
  std::string metrics_token_file;  // the HTTP listener answers loopback, and others with this bearer token

  const std::string& run_directory() const { return run_dir.empty() ? data_dir : run_dir; }
  std::string control_socket() const { return data_dir + "/control.sock"; }
  std::string submit_socket() const { return run_directory() + "/submit.sock"; }
  std::string warmup_record() const { return data_dir + "/warmup"; }
  std::string maildrop() const { return data_dir + "/maildrop"; }
};

log::Level log_level_of(const Config& config);

struct LoadedConfig {
  Config config;
  std::vector<ConfigError> errors;    // empty: good
  std::vector<ConfigError> warnings;  // works, but probably not as meant
};

LoadedConfig load_config(const std::string& path);
LoadedConfig parse_config(std::string_view text, const std::string& path);

// The first line of [http] metrics_token_file; empty when `path` is.
Result<std::string> read_token(const std::string& path);

// "/etc/godwit/godwit.toml:12:3: smtp.max_size: there is no such key; did you mean \"max_message_size\"?"
std::string describe(const std::string& path, const ConfigError& error);

}  // namespace godwit::app
