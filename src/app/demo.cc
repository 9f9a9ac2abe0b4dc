#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "app/commands.h"
#include "app/server.h"
#include "base/log.h"
#include "edge/tls/self_signed.h"

namespace godwit::app {
namespace {

constexpr std::string_view kDomain = "demo.test";
constexpr std::string_view kMark = "made-by-godwit-demo";  // a file: this directory may be written over
constexpr std::size_t kPasswordLength = 12;

struct DemoOptions {
  std::string directory;
  std::uint16_t port_base = 10'000;
};

struct DemoAccount {
  std::string address;
  std::string password;
};

std::string mail_address(std::string_view local) { return fmt::format("{}@{}", local, kDomain); }

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail(Error::permanent(Error::Cause::io, fmt::format("cannot write {}", path)));
  return {};
}

// A directory of its own: `--dir`, made if missing and reused if an earlier demo made it; else a fresh one under /tmp.
Result<std::string> make_directory(const std::string& wanted) {
  if (wanted.empty()) {
    std::string pattern = "/tmp/godwit-demo-XXXXXX";
    if (!mkdtemp(pattern.data())) return fail(Error::permanent(Error::Cause::io, "cannot make a directory under /tmp"));
    return pattern;
  }
  std::error_code failure;
  std::string path = std::filesystem::absolute(wanted, failure).lexically_normal().string();
  const bool ours = std::filesystem::exists(path + "/" + std::string(kMark), failure);
  if (!ours && std::filesystem::exists(path, failure) && !std::filesystem::is_empty(path, failure))
    return fail(Error::permanent(Error::Cause::conflict, fmt::format("{} is not empty and no demo made it; name another directory", path)));
  std::filesystem::create_directories(path, failure);
  if (failure || chmod(path.c_str(), 0700) != 0)
    return fail(Error::permanent(Error::Cause::denied, fmt::format("cannot make {}: {}", path, failure.message())));
  GODWIT_TRY(write_file(path + "/" + std::string(kMark), ""));
  return path;
}

// Loopback alone, and nothing leaves: whatever is not demo.test is held.
std::string configuration(const std::string& directory, std::uint16_t base) {
  std::string text = fmt::format(
      "# made by `godwit demo`: everything on loopback, nothing leaves this machine\n"
      "hostname = \"mail.{}\"\ndata_dir = \"{}/data\"\n\n[tls]\ncertificate = \"{}/cert.pem\"\nkey = \"{}/key.pem\"\n\n[store]\nmin_free = "
      "\"64MiB\"\n",
      kDomain, directory, directory, directory);
  const std::pair<std::string_view, int> listeners[] = {{"smtp", 25},   {"submission", 587}, {"submissions", 465}, {"imap", 143},
                                                        {"imaps", 993}, {"pop3", 110},       {"pop3s", 995},       {"http", 80}};
  for (const auto& [protocol, port] : listeners)
    text += fmt::format("\n[[listener]]\nprotocol = \"{}\"\naddress = [\"127.0.0.1:{}\"]\n", protocol, base + port);
  text += fmt::format(
      "\n[[route]]\ndomain = \"{}\"\nto = \"local\"\n\n[[route]]\ndomain = \"*\"\nto = \"hold\"\n\n[log]\nlevel = \"warning\"\n", kDomain);
  return text;
}

Task<Result<void>> make_account(directory::Directory& directory, DemoAccount account) {
  GODWIT_CO_ASSIGN(auto address, smtp::parse_address(account.address));
  GODWIT_CO_ASSIGN(const bool known, co_await directory.is_local(address.domain));
  if (!known) GODWIT_CO_TRY(co_await directory.add_domain(address.domain));
  GODWIT_CO_ASSIGN(const auto existing, co_await directory.find_account(address));
  if (existing) co_return co_await directory.set_password(address, account.password);
  const auto made = co_await directory.add_account(address, account.password);
  if (!made) co_return fail(made.error());
  co_return Result<void>{};
}

std::string own_path() {
  std::error_code failure;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? "godwit" : path.string();
}

void print_help(const std::string& directory, std::uint16_t base, const DemoAccount& alice, const DemoAccount& bob) {
  fmt::print(
      "Godwit demo: a mail server on loopback, in {0}\n\n"
      "  accounts   {1}  password {2}\n             {3}    password {4}\n"
      "  SMTP (MX) 127.0.0.1:{5}   submission :{6} (STARTTLS)   submissions :{7} (TLS)\n"
      "  IMAP      127.0.0.1:{12}   IMAPS :{13}\n"
      "  POP3      127.0.0.1:{8}   POP3S :{9}   metrics http://127.0.0.1:{10}/metrics\n\n"
      "Send a mail, either way:\n\n"
      "swaks --server 127.0.0.1:{6} --tls --auth PLAIN --auth-user {1} --auth-password {2} --from {1} --to {3} --header 'Subject: Hello "
      "from swaks' --body 'It works.'\n\n"
      "curl -sS -k --ssl-reqd smtp://127.0.0.1:{6} --user '{1}:{2}' --mail-from {1} --mail-rcpt {3} -H 'From: {1}' -H 'To: {3}' -H "
      "'Subject: Hello from curl' -F '=It works.;type=text/plain'\n\n"
      "Read it (or with any mail program, by IMAP):\n\n"
      "curl -sS -k --user '{3}:{4}' pop3s://127.0.0.1:{9}/1\n\n"
      "Look around:\n\n"
      "{11} trace {3} -c {0}/godwit.toml\n"
      "{11} queue summary -c {0}/godwit.toml\n\n"
      "Ctrl-C ends it.\n",
      directory, alice.address, alice.password, bob.address, bob.password, base + 25, base + 587, base + 465, base + 110, base + 995,
      base + 80, own_path(), base + 143, base + 993);
  std::fflush(stdout);
}

Result<std::unique_ptr<Server>> start_demo(const std::string& directory, std::uint16_t base, const DemoAccount& alice,
                                           const DemoAccount& bob) {
  const std::string path = directory + "/godwit.toml";
  GODWIT_TRY(write_file(path, configuration(directory, base)));
  GODWIT_TRY(tls::make_self_signed({"localhost", fmt::format("mail.{}", kDomain)}, directory + "/cert.pem", directory + "/key.pem"));
  LoadedConfig loaded = load_config(path);
  if (!loaded.errors.empty()) return fail(Error::permanent(Error::Cause::syntax, describe(path, loaded.errors.front())));
  GODWIT_ASSIGN(auto server, Server::start(std::move(loaded.config)));
  for (const DemoAccount& account : {alice, bob}) GODWIT_TRY(server->house().run(make_account(server->house().directory(), account)));
  return server;
}

int demo(const DemoOptions& options) {
  if (options.port_base > 64'000)
    return failed(Error::permanent(Error::Cause::limit, "--port-base must leave room for 995 ports above it: 64000 at most"));
  block_signals();
  const auto directory = make_directory(options.directory);
  if (!directory) return failed(directory.error());
  log::start(log::Format::logfmt, log::Level::warning);
  const auto random = make_system_random();
  const DemoAccount alice{mail_address("alice"), random->text(kPasswordLength)};
  const DemoAccount bob{mail_address("bob"), random->text(kPasswordLength)};
  auto server = start_demo(*directory, options.port_base, alice, bob);
  int status = 0;
  if (server) {
    print_help(*directory, options.port_base, alice, bob);
    (*server)->run_until_signal();
    (*server)->stop();
    server->reset();
  } else {
    status = failed(server.error());
  }
  log::stop();
  std::error_code ignored;
  if (options.directory.empty()) std::filesystem::remove_all(*directory, ignored);
  return status;
}

}  // namespace

void add_demo_command(CLI::App& app, const Options& /*options*/, Action& action) {
  auto demo_options = std::make_shared<DemoOptions>();
  auto* command = app.add_subcommand("demo", "a mail server on loopback to play with: a domain, two accounts, how to send and read");
  command->add_option("--dir", demo_options->directory, "keep it here (default: a directory that is removed at the end)");
  command->add_option("--port-base", demo_options->port_base, "added to each well-known port")->capture_default_str();
  command->callback([&action, demo_options] { action = [demo_options] { return demo(*demo_options); }; });
}

}  // namespace godwit::app
