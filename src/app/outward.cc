#include "app/outward.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "app/current.h"
#include "app/egress.h"
#include "app/ourselves.h"
#include "app/own_addresses.h"
#include "app/route_secrets.h"
#include "app/warmup_file.h"
#include "base/log.h"
#include "edge/dns/unbound_resolver.h"
#include "edge/net/unix_dialer.h"
#include "edge/tls/context.h"
#include "service/outbound/reply_class.h"
#include "service/outbound/tenants.h"
#include "service/outbound/warmup.h"

namespace godwit::app {
namespace {

constexpr Duration kSaveWarmup = std::chrono::seconds(10);  // a crash forgets so much of what new sources have sent

std::shared_ptr<const outbound::Settings> outbound_settings(const Config& config, net::Dialer& dialer, Clock& clock) {
  auto settings = std::make_shared<outbound::Settings>();
  settings->hostname = config.hostname;
  settings->connections_per_site = config.connections_per_site;
  settings->sites = config.sites;
  std::ranges::copy(outbound::shipped_site_rules(), std::back_inserter(settings->sites));
  settings->classes = config.reply_classes ? config.reply_classes : outbound::ReplyClasses::shipped();
  settings->probe = config.retry;
  settings->starttls = config.outbound_starttls;
  settings->forbidden_networks = config.forbidden_networks;
  settings->passwords = read_route_passwords(config).by_file;
  settings->verifying = make_verifying_connector(config);
  settings->egress = make_egress(config, dialer, clock);
  return settings;
}

std::shared_ptr<const routing::MxSites::Settings> mx_settings(const Config& config) {
  auto settings = std::make_shared<routing::MxSites::Settings>();
  settings->port = static_cast<std::uint16_t>(config.outbound_port);
  if (const auto name = smtp::parse_domain(config.hostname)) settings->own_names.push_back(name->text());
  return settings;
}

Task<std::vector<outbound::SiteStatus>> status_on(Executor home, outbound::Outbound& outbound) {
  auto start = [&](Resume<std::vector<outbound::SiteStatus>> resume) {
    post(home, [&outbound, resume = std::move(resume)]() mutable { resume(outbound.status()); });
  };
  co_return co_await suspend<std::vector<outbound::SiteStatus>>(std::move(start));
}

}  // namespace

struct Outward::Impl {
  explicit Impl(Context given) : context(std::move(given)) {}
  ~Impl() { save(); }

  Context context;
  std::shared_ptr<dns::Resolver> resolver;
  std::shared_ptr<tls::ClientContext> tls;
  std::unique_ptr<net::Dialer> dialer = net::make_tcp_dialer();
  Current<outbound::Settings> for_outbound;
  Current<routing::MxSites::Settings> for_mx;
  Current<Ourselves> ourselves;
  std::vector<std::unique_ptr<routing::MxSites>> mx;
  std::vector<std::unique_ptr<outbound::Outbound>> outbounds;

  std::atomic<SteadyTime> probed{};

  std::shared_ptr<outbound::WarmupLedger> warmup = std::make_shared<outbound::WarmupLedger>();
  std::shared_ptr<outbound::TenantStops> tenants = std::make_shared<outbound::TenantStops>();
  std::string warmup_record;
  std::atomic<bool> saving{false};

  void make_loops();
  void save();
  static Task<> save_regularly(Impl& self, Executor executor);
};

void Outward::Impl::save() {
  if (!warmup->changed()) return;
  const auto saved = save_warmup(warmup_record, *warmup);
  if (!saved) log::error("warmup", {{"error", saved.error().text}, {"next", "after a restart what was sent today may be sent again"}});
}

Task<> Outward::Impl::save_regularly(Impl& self, Executor executor) {
  const auto timer = self.context.clock.make_timer(executor);
  const net::TaskGroup::OnStop on_stop(self.context.tasks, executor, [raw = timer.get()] { raw->wake(); });
  while (!self.context.tasks.stopping()) {
    co_await timer->wait_until(self.context.clock.steady() + kSaveWarmup);
    if (!self.warmup->changed() || !self.context.blocking) continue;
    co_await self.context.blocking->run([&self] {
      self.save();
      return std::monostate();
    });
  }
}

void Outward::Impl::make_loops() {
  for (std::size_t loop = 0; loop < context.loops.size(); ++loop) {
    mx.push_back(std::make_unique<routing::MxSites>(*resolver, context.clock, context.random, [this] { return for_mx.get(); }));
    outbound::Context outward{*dialer,
                              *tls,
                              [](std::string host) { return net::resolve_host(std::move(host)); },
                              *resolver,
                              [this](const Endpoint& endpoint) { return ourselves.get()->contains(endpoint); },
                              context.blobs,
                              context.clock,
                              context.random,
                              context.trace,
                              context.tasks,
                              context.loops.executor(loop),
                              [this] { return for_outbound.get(); },
                              net::dial_unix,
                              context.blocking,
                              warmup,
                              tenants};
    outbounds.push_back(outbound::make_outbound(std::move(outward)));
  }
}

Outward::Outward(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Outward::~Outward() = default;

Result<std::unique_ptr<Outward>> Outward::create(const Config& config, Context context) {
  auto impl = std::make_unique<Impl>(std::move(context));
  impl->warmup_record = config.warmup_record();
  load_warmup(impl->warmup_record, *impl->warmup);
  impl->resolver = impl->context.resolver;
  if (!impl->resolver) {
    dns::ResolverOptions options;
    options.servers = config.dns_servers;
    options.trust_anchor = config.dns_trust_anchor;
    GODWIT_ASSIGN(impl->resolver, dns::make_unbound_resolver(impl->context.loops.executor(0), impl->context.clock, options));
  }
  GODWIT_ASSIGN(impl->tls, tls::ClientContext::create({tls::Level::encrypt, ""}));
  std::unique_ptr<Outward> outward(new Outward(std::move(impl)));
  outward->set_settings(config);
  outward->impl_->make_loops();
  return outward;
}

void Outward::set_settings(const Config& config) {
  impl_->for_outbound.set(outbound_settings(config, *impl_->dialer, impl_->context.clock));
  impl_->for_mx.set(mx_settings(config));
  impl_->ourselves.set(std::make_shared<Ourselves>(config.listeners, interface_addresses()));
  if (!any_warms_up(config.egress) || impl_->saving.exchange(true)) return;
  const Executor executor = impl_->context.loops.executor(0);
  post(executor, [impl = impl_.get(), executor] {
    net::spawn(executor, impl->context.tasks, "warm-up record", Impl::save_regularly(*impl, executor));
  });
}

routing::MxSites& Outward::mx_sites(std::size_t loop) { return *impl_->mx[loop]; }

void Outward::offer(std::size_t from, outbound::Job job) {
  net::LoopPool& loops = impl_->context.loops;
  const std::size_t to = std::hash<std::string>()(job.site->name) % loops.size();
  outbound::Outbound& outbound = *impl_->outbounds[to];
  if (to == from) {
    outbound.offer(std::move(job));
    return;
  }
  job.done = [home = loops.executor(from), done = std::move(job.done)](std::vector<queue::Outcome> outcomes) {
    post(home, [done, outcomes = std::move(outcomes)]() mutable { done(std::move(outcomes)); });
  };
  post(loops.executor(to), [&outbound, job = std::move(job)]() mutable { outbound.offer(std::move(job)); });
}

void Outward::probe_now() {
  const SteadyTime now = impl_->context.clock.steady();
  SteadyTime last = impl_->probed.load();
  if (last != SteadyTime{} && now - last < std::chrono::seconds(1)) return;
  if (!impl_->probed.compare_exchange_strong(last, now)) return;
  for (std::size_t loop = 0; loop < impl_->outbounds.size(); ++loop)
    post(impl_->context.loops.executor(loop), [outbound = impl_->outbounds[loop].get()] { outbound->probe_now(); });
}

void Outward::drain(std::size_t loop) { impl_->outbounds[loop]->drain(); }

void Outward::stop_resolver() { impl_->resolver->stop(); }

Task<std::vector<outbound::SiteStatus>> Outward::sites() {
  std::vector<outbound::SiteStatus> all;
  for (std::size_t loop = 0; loop < impl_->outbounds.size(); ++loop) {
    auto some = co_await status_on(impl_->context.loops.executor(loop), *impl_->outbounds[loop]);
    std::ranges::move(some, std::back_inserter(all));
  }
  co_return all;
}

}  // namespace godwit::app
