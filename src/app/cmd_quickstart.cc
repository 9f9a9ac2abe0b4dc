#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/commands.h"
#include "app/control_client.h"
#include "app/dns_records.h"
#include "app/quickstart.h"
#include "base/random.h"

namespace godwit::app {
namespace {

constexpr std::size_t kPasswordLength = 16;  // of 31 letters and digits: 79 bits

struct QuickstartOptions {
  std::string domain;
  std::string directory;
};

struct Account {
  std::string address;
  std::string password;  // "" = it was there before
};

struct Outcome {
  smtp::Domain domain;
  QuickstartPlace place;
  QuickstartFiles files;
  bool domain_added = false;
  Account account;
  DnsRecords records;
  std::vector<std::string> notes;
};

Result<bool> add_domain(ControlClient& client, const std::string& domain) {
  GODWIT_ASSIGN(const auto answer, client.call("GET", "/v1/domains"));
  for (const auto& row : answer.as_object().at("domains").as_array())
    if (text_of(row.as_object(), "domain") == domain) return false;
  GODWIT_TRY(client.call("POST", "/v1/domains", {{"domain", domain}}));
  return true;
}

// The domain's oldest account, to which postmaster and abuse lead (RFC 5321 4.5.1, RFC 2142 4); a domain that has one keeps it.
Result<Account> add_account(ControlClient& client, const std::string& domain) {
  GODWIT_ASSIGN(const auto answer, client.call("GET", "/v1/accounts?domain=" + encode_segment(domain)));
  const auto& rows = answer.as_object().at("accounts").as_array();
  Account account{"admin@" + domain, ""};
  const boost::json::object* oldest = nullptr;
  for (const auto& row : rows)
    if (!oldest || row.as_object().at("id").to_number<std::uint64_t>() < oldest->at("id").to_number<std::uint64_t>())
      oldest = &row.as_object();
  if (oldest) return Account{text_of(*oldest, "address"), ""};
  account.password = make_system_random()->text(kPasswordLength);
  GODWIT_TRY(client.call("POST", "/v1/accounts", {{"address", account.address}, {"password", account.password}}));
  return account;
}

std::vector<std::string> notes_on(const Outcome& outcome, const OwnAddresses& own) {
  std::vector<std::string> notes;
  const Config& config = outcome.files.config;
  if (own.global.empty())
    notes.push_back(
        fmt::format("No interface of this machine has a public address. Publish an A or AAAA record of {} with the address by which "
                    "others reach it, and have that address's reverse name (PTR) lead to {}.",
                    config.hostname, config.hostname));
  if (config.routes.empty())
    notes.push_back(
        fmt::format("Mail to other domains goes straight to their servers. Many providers close port 25 outwards until they are asked; "
                    "where it stays closed, write a [[route]] to a relay into {}.",
                    outcome.place.config));
  return notes;
}

boost::json::array as_json(const std::vector<DnsRecord>& records) {
  boost::json::array list;
  for (const DnsRecord& record : records) list.push_back({{"name", record.name}, {"type", record.type}, {"value", record.value}});
  return list;
}

boost::json::object as_json(const Outcome& outcome) {
  const Config& config = outcome.files.config;
  boost::json::object account{{"address", outcome.account.address}, {"made", !outcome.account.password.empty()}};
  if (!outcome.account.password.empty()) account["password"] = outcome.account.password;
  boost::json::array notes;
  for (const std::string& note : outcome.notes) notes.emplace_back(note);
  return {{"hostname", config.hostname},
          {"configuration", {{"path", outcome.place.config}, {"made", outcome.files.config_made}}},
          {"certificate", {{"path", config.tls_certificate}, {"key", config.tls_key}, {"made", outcome.files.certificate_made}}},
          {"data_dir", config.data_dir},
          {"domain", {{"domain", outcome.domain.text()}, {"made", outcome.domain_added}}},
          {"account", account},
          {"records", as_json(outcome.records.zone)},
          {"reverse", as_json(outcome.records.reverse)},
          {"notes", notes}};
}

std::string how_to_start(const std::string& config) {
  std::error_code ignored;
  const bool packaged = config == "/etc/godwit/godwit.toml";
  if (packaged && std::filesystem::exists("/run/systemd/system", ignored) &&
      std::filesystem::exists("/lib/systemd/system/godwit.service", ignored))
    return "systemctl start godwit";
  return packaged ? "godwit serve" : "godwit serve -c " + config;
}

void show_made(const Outcome& outcome) {
  const Config& config = outcome.files.config;
  const auto said = [](bool made, std::string_view fresh) { return made ? fresh : std::string_view("kept as it is"); };
  fmt::print("configuration  {}: {}\n", outcome.place.config, said(outcome.files.config_made, "written"));
  if (!config.tls_certificate.empty())
    fmt::print("certificate    {}: {}\n", config.tls_certificate,
               said(outcome.files.certificate_made, "made, signed by itself; put a real one there, and its key at " + config.tls_key));
  fmt::print("data           {}\nhost name      {}\n", config.data_dir, config.hostname);
  fmt::print("domain         {}: {}\n", outcome.domain.text(), said(outcome.domain_added, "added"));
  if (outcome.account.password.empty())
    fmt::print("account        {0}: kept as it is (a new password: godwit account passwd {0})\n", outcome.account.address);
  else
    fmt::print("account        {}: added; password, shown this once: {}\n", outcome.account.address, outcome.account.password);
  fmt::print("               postmaster@ and abuse@{} lead there unless you say otherwise\n", outcome.domain.text());
}

void show(const Outcome& outcome) {
  show_made(outcome);
  fmt::print("\nDNS records to publish:\n\n{}", zone_text(outcome.records.zone));
  if (!outcome.records.reverse.empty())
    fmt::print("\nReverse names, set by whoever gave you the addresses:\n\n{}", zone_text(outcome.records.reverse));
  for (const std::string& note : outcome.notes) fmt::print("\n{}\n", note);
  fmt::print("\nStart the server, unless it runs already: {}\n", how_to_start(outcome.place.config));
}

Result<Outcome> work(const Options& options, const QuickstartOptions& wanted) {
  Outcome outcome;
  GODWIT_ASSIGN(outcome.domain, parse_served_domain(wanted.domain));
  GODWIT_ASSIGN(outcome.place, choose_place(wanted.directory, options.config_path));
  const OwnAddresses own = find_own_addresses();
  GODWIT_ASSIGN(outcome.files, make_quickstart_files(outcome.domain, outcome.place, own));
  GODWIT_ASSIGN(const auto hostname, smtp::parse_domain(outcome.files.config.hostname));
  outcome.records = records_to_publish(outcome.domain, hostname, own.global);
  outcome.notes = notes_on(outcome, own);
  // From here on perhaps as the server's user: with the server down the client works on the store as that one.
  ControlClient client(outcome.files.config);
  GODWIT_ASSIGN(outcome.domain_added, add_domain(client, outcome.domain.text()));
  GODWIT_ASSIGN(outcome.account, add_account(client, outcome.domain.text()));
  return outcome;
}

int quickstart(const Options& options, const QuickstartOptions& wanted) {
  if (!wanted.directory.empty() && options.config_path != Options().config_path)
    return failed(Error::permanent(Error::Cause::syntax, "--dir and -c both say where the configuration lies; give one of them"));
  const auto outcome = work(options, wanted);
  if (!outcome) return failed(outcome.error());
  if (options.json)
    print_json(as_json(*outcome));
  else
    show(*outcome);
  return 0;
}

}  // namespace

void add_quickstart_command(CLI::App& app, const Options& options, Action& action) {
  auto wanted = std::make_shared<QuickstartOptions>();
  auto* command = app.add_subcommand("quickstart", "configuration, certificate, first domain and account, and the DNS records to publish");
  command->add_option("DOMAIN", wanted->domain)->required();
  command->add_option("--dir", wanted->directory, "everything below this directory (default: /etc/godwit, data in /var/lib/godwit)");
  command->callback([&options, &action, wanted] { action = [&options, wanted] { return quickstart(options, *wanted); }; });
}

}  // namespace godwit::app
