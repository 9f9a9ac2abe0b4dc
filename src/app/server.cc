#include "app/server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "app/allocator.h"
#include "app/data_directory.h"
#include "app/egress.h"
#include "app/privileges.h"
#include "app/route_secrets.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/http/server.h"
#include "edge/tls/context.h"
#include "frontend/adminapi/control.h"
#include "frontend/httpd/httpd.h"
#include "frontend/imapd/imapd.h"
#include "frontend/pop3d/pop3d.h"
#include "frontend/smtpd/smtpd.h"
#include "frontend/submitd/submitd.h"

namespace godwit::app {
namespace {

using namespace std::chrono_literals;
constexpr Duration kDrain = 10s;    // DESIGN.md: running transactions get at most 10 s
constexpr Duration kFarewell = 5s;  // then for a last word to those that are cut off
constexpr unsigned kControlMode = 0660;
constexpr unsigned kSubmitMode = 0666;  // everybody on the machine may submit

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

std::shared_ptr<const smtpd::Settings> smtpd_settings(const Config& config) {
  auto settings = std::make_shared<smtpd::Settings>();
  settings->hostname = config.hostname;
  settings->max_message_size = config.max_message_size;
  settings->relay_from = config.relay_from;
  settings->allow = config.allow;
  settings->command_timeout = config.limits.command_timeout;
  settings->first_command_under_load = config.limits.first_command_under_load;
  settings->data_timeout = config.limits.data_timeout;
  settings->data_total = config.limits.data_total;
  settings->data_minimum_rate = config.limits.data_minimum_rate;
  settings->max_errors = static_cast<unsigned>(config.limits.protocol_errors);
  settings->refused_recipients = config.limits.refused_recipients;
  settings->max_command_line = config.limits.command_line;
  settings->max_auth_line = config.limits.auth_line;
  settings->max_auth_failures = static_cast<unsigned>(config.limits.auth_failures);
  return settings;
}

// Whom no limit per address touches, loopback aside.
std::vector<Network> exempt_networks(const Config& config) {
  std::vector<Network> exempt = config.allow;
  exempt.insert(exempt.end(), config.relay_from.begin(), config.relay_from.end());
  return exempt;
}

std::shared_ptr<const pop3d::Settings> pop3d_settings(const Config& config) {
  auto settings = std::make_shared<pop3d::Settings>();
  settings->hostname = config.hostname;
  settings->idle_timeout = config.limits.pop3_idle;
  settings->removes_retrieved = config.pop3_expire == "0d";
  settings->login_delay = config.pop3_login_delay;
  settings->plaintext_from = config.plaintext_from;
  settings->exempt = exempt_networks(config);
  return settings;
}

std::shared_ptr<const imapd::Settings> imapd_settings(const Config& config) {
  auto settings = std::make_shared<imapd::Settings>();
  settings->hostname = config.hostname;
  settings->idle_timeout = config.limits.imap_idle;
  settings->plaintext_from = config.plaintext_from;
  settings->exempt = exempt_networks(config);
  settings->without = config.imap_without;
  settings->append_limit = config.max_message_size;
  settings->quota = {config.mailbox_quota, config.mailbox_quota_messages};
  return settings;
}

Result<std::shared_ptr<const httpd::Settings>> httpd_settings(const Config& config) {
  auto settings = std::make_shared<httpd::Settings>();
  settings->exempt = exempt_networks(config);
  GODWIT_ASSIGN(settings->metrics_token, read_token(config.metrics_token_file));
  return settings;
}

std::shared_ptr<const submitd::Settings> submitd_settings(const Config& config) {
  auto settings = std::make_shared<submitd::Settings>();
  settings->hostname = config.hostname;
  settings->messages_per_minute = config.limits.local_messages;
  settings->texts = config.dsn_texts;
  return settings;
}

// What a reload cannot change.
std::vector<std::string_view> fixed_at_start(const Config& now, const Config& wanted) {
  std::vector<std::string_view> keys;
  const auto compare = [&](std::string_view key, const auto& a, const auto& b) {
    if (a != b) keys.push_back(key);
  };
  compare("data_dir", now.data_dir, wanted.data_dir);
  compare("run_dir", now.run_dir, wanted.run_dir);
  compare("user", now.user, wanted.user);
  compare("threads", now.threads, wanted.threads);
  compare("store.min_free", now.store_min_free, wanted.store_min_free);
  compare("limits.password_checks", now.limits.password_checks, wanted.limits.password_checks);
  compare("dns.servers", now.dns_servers, wanted.dns_servers);
  compare("dns.trust_anchor", now.dns_trust_anchor, wanted.dns_trust_anchor);
  compare("log.format", now.log_format, wanted.log_format);
  compare("trace.keep", now.trace_keep, wanted.trace_keep);
  compare("trace.max_size", now.trace_max, wanted.trace_max);
  compare("events.enabled", now.events.on(), wanted.events.on());
  compare("events.keep", now.events.keep, wanted.events.keep);
  compare("events.max_size", now.events.max_size, wanted.events.max_size);
  return keys;
}

}  // namespace

void block_signals() {
  const sigset_t set = waited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

struct Server::Impl {
  struct Door {
    std::string protocol;
    std::unique_ptr<net::Listener> listener;
  };

  explicit Impl(Config from)
      : at_start(from),
        config(std::move(from)),
        limits(config.limits.connections, config.limits.connections_per_address),
        loops(config.threads) {}

  const Config at_start;  // what a reload cannot change is in force as it stands here
  Config config;

  // What sessions refer to outlives the loops: with them goes whatever coroutine is left.
  net::TaskGroup sessions;
  net::ConnectionLimits limits;
  Current<smtpd::Settings> for_smtp;
  Current<pop3d::Settings> for_pop3;
  Current<imapd::Settings> for_imap;
  Current<httpd::Settings> for_http;
  Current<submitd::Settings> for_submit;
  submitd::Rates rates;
  pop3d::LoginDelays pop3_logins;
  std::atomic<std::shared_ptr<tls::ServerContext>> identity;
  std::unique_ptr<smtpd::Context> smtp;
  std::unique_ptr<pop3d::Context> pop3;
  std::unique_ptr<imapd::Context> imap;
  std::unique_ptr<httpd::Context> http;
  std::unique_ptr<submitd::Context> submit;

  net::LoopPool loops;
  std::vector<Door> doors;
  std::unique_ptr<net::Listener> control;
  std::unique_ptr<net::Listener> local;  // submit.sock
  std::unique_ptr<House> house;

  Result<void> bind_doors(const Config& wanted);
  struct Loaded {
    std::shared_ptr<tls::ServerContext> identity;
    std::shared_ptr<const httpd::Settings> http;
  };
  static Result<Loaded> load(const Config& wanted);
  void apply(const Config& wanted, Loaded loaded);
  void make_contexts();
  Result<void> open_control();
  Result<void> open_local();
  void open_door(Door& door);
  void serve(const std::string& protocol, std::size_t loop, std::unique_ptr<net::Stream> stream);
  void reload();
};

// Binds what is not bound yet; on an error nothing that was bound before is touched.
Result<void> Server::Impl::bind_doors(const Config& wanted) {
  std::vector<Door> fresh;
  for (const ListenerConfig& listener : wanted.listeners)
    for (const Endpoint& address : listener.addresses) {
      const bool open = std::ranges::any_of(
          doors, [&](const Door& door) { return door.protocol == listener.protocol && door.listener->endpoint() == address; });
      if (open) continue;
      GODWIT_ASSIGN(auto bound, net::listen_tcp(loops, address));
      fresh.push_back({listener.protocol, std::move(bound)});
    }
  std::ranges::move(fresh, std::back_inserter(doors));
  return {};
}

// What can fail of the settings; changes nothing.
Result<Server::Impl::Loaded> Server::Impl::load(const Config& wanted) {
  Loaded loaded;
  if (!wanted.tls_certificate.empty()) {
    GODWIT_ASSIGN(loaded.identity, tls::ServerContext::create({wanted.tls_certificate, wanted.tls_key}));
  }
  GODWIT_ASSIGN(loaded.http, httpd_settings(wanted));
  const RoutePasswords passwords = read_route_passwords(wanted);
  if (!passwords.problems.empty()) return fail(Error::permanent(Error::Cause::not_found, passwords.problems.front()));
  for (const std::string& warning : passwords.warnings) log::warning("route", {{"what", warning}});
  const EgressFindings egress = look_at_egress(wanted);
  if (!egress.problems.empty()) return fail(Error::permanent(Error::Cause::not_found, egress.problems.front()));
  for (const std::string& warning : egress.warnings) log::warning("source", {{"what", warning}});
  return loaded;
}

void Server::Impl::apply(const Config& wanted, Loaded loaded) {
  identity.store(std::move(loaded.identity));
  for_http.set(std::move(loaded.http));
  for_smtp.set(smtpd_settings(wanted));
  for_pop3.set(pop3d_settings(wanted));
  for_imap.set(imapd_settings(wanted));
  for_submit.set(submitd_settings(wanted));
  limits.set(wanted.limits.connections, wanted.limits.connections_per_address);
  log::set_level(log_level_of(wanted));
}

void Server::Impl::make_contexts() {
  auto tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return identity.load(); };
  smtp = std::make_unique<smtpd::Context>(smtpd::Context{house->intake(), house->directory(), house->clock(), house->random(), tls,
                                                         [this] { return for_smtp.get(); }, sessions, limits});
  pop3 = std::make_unique<pop3d::Context>(pop3d::Context{house->directory(), house->mailboxes(), house->blobs(), house->clock(), tls,
                                                         [this] { return for_pop3.get(); }, sessions, limits, pop3_logins});
  imap = std::make_unique<imapd::Context>(imapd::Context{house->directory(), house->mailboxes(), house->blobs(), house->clock(), tls,
                                                         [this] { return for_imap.get(); }, sessions, limits});
  http = std::make_unique<httpd::Context>(httpd::Context{[this] { return for_http.get(); }, sessions, limits});
  submit =
      std::make_unique<submitd::Context>(submitd::Context{house->intake(), house->directory(), house->clock(), house->random(),
                                                          house->blocking(), [this] { return for_submit.get(); }, sessions, limits, rates});
}

void Server::Impl::serve(const std::string& protocol, std::size_t loop, std::unique_ptr<net::Stream> stream) {
  const Executor executor = loops.executor(loop);
  if (protocol == "smtp")
    net::spawn(executor, sessions, "smtp", smtpd::serve(std::move(stream), smtpd::Role::mx, *smtp));
  else if (protocol == "submission")
    net::spawn(executor, sessions, "submission", smtpd::serve(std::move(stream), smtpd::Role::submission, *smtp));
  else if (protocol == "submissions")
    net::spawn(executor, sessions, "submissions", smtpd::serve(std::move(stream), smtpd::Role::submissions, *smtp));
  else if (protocol == "pop3" || protocol == "pop3s")
    net::spawn(executor, sessions, "pop3", pop3d::serve(std::move(stream), protocol == "pop3s", house->random().text(8), *pop3));
  else if (protocol == "imap" || protocol == "imaps")
    net::spawn(executor, sessions, "imap", imapd::serve(std::move(stream), protocol == "imaps", house->random().text(8), *imap));
  else if (protocol == "http")
    net::spawn(executor, sessions, "http", httpd::serve(std::move(stream), *http));
}

void Server::Impl::open_door(Door& door) {
  door.listener->start([this, protocol = door.protocol](std::size_t loop, std::unique_ptr<net::Stream> stream) {
    serve(protocol, loop, std::move(stream));
  });
  log::info("listening", {{"protocol", door.protocol}, {"address", door.listener->endpoint().text()}});
}

namespace {

Task<http::Response> answer_control(adminapi::Context& admin, http::Request request) {
  if (!adminapi::may_administer(request.credentials, geteuid(), getegid())) {
    http::Response refused;
    refused.status = 403;
    refused.content_type = "application/json";
    refused.body = "{\"error\": \"only root, the server's user and its group may administer it\"}\n";
    co_return refused;
  }
  co_return co_await adminapi::handle(admin, std::move(request));
}

}  // namespace

Result<void> Server::Impl::open_control() {
  house->admin().stopping = [this] { return sessions.stopping(); };
  GODWIT_ASSIGN(control, net::listen_unix(loops, config.control_socket(), kControlMode));
  control->start([this](std::size_t loop, std::unique_ptr<net::Stream> stream) {
    auto answer = [this](http::Request request) { return answer_control(house->admin(), std::move(request)); };
    net::spawn(loops.executor(loop), sessions, "control", http::serve(std::move(stream), answer, http::Limits{}, &sessions));
  });
  return {};
}

// The programs of this machine: submit.sock, and what they left in the maildrop while we were down.
Result<void> Server::Impl::open_local() {
  const std::string maildrop = config.maildrop();
  GODWIT_TRY(submitd::make_maildrop(maildrop));
  if (config.run_directory() != config.data_dir) GODWIT_TRY(make_data_directory(config.run_directory()));
  GODWIT_ASSIGN(local, net::listen_unix(loops, config.submit_socket(), kSubmitMode));
  local->start([this](std::size_t loop, std::unique_ptr<net::Stream> stream) {
    net::spawn(loops.executor(loop), sessions, "submit", submitd::serve(std::move(stream), *submit));
  });
  net::spawn(loops.executor(0), sessions, "maildrop", submitd::watch_maildrop(*submit, maildrop));
  return {};
}

void Server::Impl::reload() {
  LoadedConfig loaded = load_config(config.path);
  for (const ConfigError& error : loaded.errors) log::error("configuration_error", {{"error", describe(config.path, error)}});
  if (!loaded.errors.empty()) {
    log::error("reload_refused", {{"why", "the configuration has errors; the old one stays in force"}});
    return;
  }
  const Config& wanted = loaded.config;
  const std::size_t before = doors.size();
  auto fresh = load(wanted);
  Result<void> done = fresh ? Result<void>() : fail(fresh.error());
  if (done) done = bind_doors(wanted);
  if (done) done = house->reload(wanted);
  if (!done) {
    log::error("reload_refused", {{"why", done.error().text}});
    doors.resize(before);
    return;
  }
  apply(wanted, *std::move(fresh));
  for (const std::string_view key : fixed_at_start(at_start, wanted))
    log::warning("needs_a_restart", {{"key", key}, {"why", "a reload cannot change it; the old value stays in force"}});
  for (const ConfigError& warning : loaded.warnings) log::warning("configuration", {{"error", describe(config.path, warning)}});
  for (std::size_t i = before; i < doors.size(); ++i) open_door(doors[i]);
  std::erase_if(doors, [&](Door& door) {
    const bool kept = std::ranges::any_of(wanted.listeners, [&](const ListenerConfig& l) {
      return l.protocol == door.protocol && std::ranges::find(l.addresses, door.listener->endpoint()) != l.addresses.end();
    });
    if (!kept) door.listener->close();
    return !kept;
  });
  config = std::move(loaded.config);
  log::info("reloaded", {{"configuration", config.path}});
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Config config) {
  net::raise_file_limit();
  auto impl = std::make_unique<Impl>(std::move(config));
  GODWIT_TRY(impl->bind_doors(impl->config));
  GODWIT_TRY(drop_privileges(impl->config.user, impl->config.data_dir));
  give_memory_back_when_idle();
  GODWIT_ASSIGN(Impl::Loaded loaded, Impl::load(impl->config));
  impl->apply(impl->config, std::move(loaded));
  GODWIT_ASSIGN(impl->house, House::open(impl->config, impl->loops, false));
  impl->make_contexts();
  GODWIT_TRY(impl->open_control());
  impl->house->start();
  GODWIT_TRY(impl->open_local());
  for (Impl::Door& door : impl->doors) impl->open_door(door);
  log::info("started", {{"hostname", impl->config.hostname}, {"data_dir", impl->config.data_dir}, {"loops", impl->loops.size()}});
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

namespace {

// No peer is waited for any more: what is left waits for a disk that does not answer, and they refer to the store that would be
// taken down under them. What was acknowledged is on stable storage, as after kill -9.
[[noreturn]] void leave_without_unwinding(std::uint64_t sessions) {
  log::error("stopped_with_sessions_left", {{"sessions", sessions}, {"mend", "look at the disk: it did not answer in time"}});
  log::stop();
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

House& Server::house() { return *impl_->house; }

void Server::run_until_signal() {
  const sigset_t set = waited_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (signal != SIGHUP) {
      log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return;
    }
    impl_->reload();
  }
}

void Server::stop() {
  for (Impl::Door& door : impl_->doors) door.listener->close();
  impl_->control->close();
  impl_->local->close();
  impl_->sessions.stop();
  if (!impl_->house->run(impl_->sessions.wait(impl_->house->clock(), kDrain))) {
    log::warning("sessions_cut_off", {{"sessions", impl_->sessions.running()}});
    impl_->sessions.cut();
    ignore(impl_->house->run(impl_->sessions.wait(impl_->house->clock(), kFarewell)), "it is looked at below");
  }
  const bool ended = impl_->house->close(kDrain);
  if (!ended || impl_->sessions.running() > 0) leave_without_unwinding(impl_->sessions.running());
  log::info("stopped");
}

}  // namespace godwit::app
