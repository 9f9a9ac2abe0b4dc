#include "service/outbound/outbound.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "service/outbound/limits.h"
#include "service/outbound/outcomes.h"
#include "service/outbound/site.h"
#include "service/outbound/tenants.h"
#include "service/outbound/warmup.h"

namespace godwit::outbound {
namespace {

constexpr std::size_t kSweepAbove = 256;               // sites in memory; with more of them the idle ones are forgotten
constexpr smtp::EnhancedCode kMisconfigured{4, 3, 5};  // RFC 3463 3.4: system incorrectly configured
constexpr smtp::EnhancedCode kCongested{4, 4, 5};      // RFC 3463 3.5: mail system congestion

using Place = std::shared_ptr<WarmupLedger::Place>;

// Sources that could not be used, whatever the site.
class SourceHealth {
 public:
  struct State {
    std::size_t failures = 0;
    SteadyTime until{};
    std::string why;
  };

  const State* resting(const std::string& source, SteadyTime now) const {
    const auto found = states_.find(source);
    return found == states_.end() || found->second.until <= now ? nullptr : &found->second;
  }
  Duration failed(const std::string& source, std::string why, const std::vector<Duration>& probe, SteadyTime now) {
    State& state = states_[source];
    if (state.until > now) return state.until - now;  // another site was trying at the same time
    const Duration rest = probe.empty() ? Duration(std::chrono::minutes(1)) : probe[std::min(state.failures, probe.size() - 1)];
    ++state.failures;
    state.until = now + rest;
    state.why = std::move(why);
    return rest;
  }
  bool works(const std::string& source) { return states_.erase(source) > 0; }
  void wake_all() {
    for (auto& [name, state] : states_) state.until = {};
  }

 private:
  std::unordered_map<std::string, State> states_;
};

class OutboundOfLoop final : public Outbound, public SiteOwner {
 public:
  explicit OutboundOfLoop(Context context) : context_(std::move(context)) {}

  void offer(Job job) override {
    if (const auto stop = stopped(job)) return decline(job, kept_back(job.message->tenant, *stop, now()));
    look_at_settings();
    const std::string& name = pool_of(*job.site);
    if (name.empty()) {
      const auto site = job.site;
      return site_for(site, nullptr)->offer(std::move(job));
    }
    const Pool* pool = find_pool(name);
    if (!pool) return decline(job, unreachable(kMisconfigured, fmt::format("not tried: there is no pool {} any more", name), "outbound"));
    offer_to(*pool, std::move(job));
  }

  std::vector<SiteStatus> status() const override {
    std::vector<SiteStatus> out;
    for (const auto& [name, site] : sites_) {
      SiteStatus& status = out.emplace_back(site->status());
      const SourceHealth::State* resting = status.source.empty() ? nullptr : health_.resting(status.source, now());
      if (!resting) continue;
      status.down = true;
      status.next_probe = context_.clock.now() + (resting->until - now());
      status.last_error = resting->why;
    }
    return out;
  }

  void probe_now() override {
    health_.wake_all();
    if (context_.tenants) context_.tenants->clear();
    for (const auto& [name, site] : sites_) site->probe_now();
  }

  void drain() override {
    draining_ = true;
    for (const auto& [name, site] : sites_) site->drain();
  }

  bool take_elsewhere(Job& job, const Source& not_by) override {
    if (draining_ || job.moves >= kMoves) return false;
    look_at_settings();
    const Pool* pool = find_pool(pool_of(*job.site));
    if (!pool) return false;
    Choice choice = choose(*pool, job, &not_by);
    if (!choice.source) return false;
    ++job.moves;
    const auto site = job.site;
    site_for(site, choice.source)->offer(std::move(job), std::move(choice.place));
    return true;
  }

  void source_failed(const Source& source, const queue::Outcome& why) override {
    const auto settings = context_.settings();
    const Duration rest = health_.failed(source.name, why.text, settings->probe, now());
    log::error("source failed", {{"source", source.name}, {"error", why.text}, {"for", format_duration(rest)}});
  }

  void source_works(const Source& source) override {
    if (health_.works(source.name)) log::info("source works", {{"source", source.name}});
  }

  void rest_by_all(const std::shared_ptr<const routing::Site>& site, const Source& but, Duration length,
                   const queue::Outcome& why) override {
    const Pool* pool = find_pool(pool_of(*site));
    if (!pool) return;
    std::vector<std::shared_ptr<Site>> others;
    for (const Pool::Member& member : pool->members)
      if (member.source->name != but.name) others.push_back(site_for(site, member.source));
    for (const auto& other : others) other->begin_rest(length, why);
    for (const auto& other : others) other->send_away();
  }

 private:
  struct Choice {
    std::shared_ptr<const Source> source;    // null: none now
    Place place;                             // under its ceiling
    std::shared_ptr<const Source> refusing;  // the first whose site refuses: it says why
    std::vector<std::string> cold;           // whose ceiling is reached
    const SourceHealth::State* broken = nullptr;
  };

  SteadyTime now() const { return context_.clock.steady(); }

  std::optional<TenantStops::Stop> stopped(const Job& job) const {
    return context_.tenants ? context_.tenants->find(job.message->tenant, now()) : std::nullopt;
  }

  // Never from within the caller's call.
  void decline(Job& job, queue::Outcome why) {
    post(context_.executor, [done = std::move(job.done), outcomes = std::vector(job.recipients.size(), std::move(why))]() mutable {
      done(std::move(outcomes));
    });
  }

  void look_at_settings() {
    const SteadyTime when = now();
    if (looked_ && when - looked_at_settings_ < kLookAtSettings) return;
    looked_ = true;
    looked_at_settings_ = when;
    auto egress = context_.settings()->egress;
    if (egress != egress_) health_.wake_all();  // what was wrong may have been mended
    egress_ = std::move(egress);
  }

  // What goes to a route's own hops leaves as the system chooses unless the route says otherwise: it often stays in the house.
  const std::string& pool_of(const routing::Site& site) const {
    static const std::string none;
    if (!site.pool.empty() || !egress_ || !site.by_mx) return site.pool;
    return egress_->for_mx.empty() ? none : egress_->for_mx;
  }
  const Pool* find_pool(const std::string& name) const {
    if (!egress_) return nullptr;
    const auto found = egress_->pools.find(name);
    return found == egress_->pools.end() ? nullptr : &found->second;
  }

  static std::string key_of(const routing::Site& site, const Source* source) {
    return source ? site.name + '\n' + source->name : site.name;
  }

  std::shared_ptr<Site> find_site(const routing::Site& site, const Source* source) const {
    const auto found = source ? sites_.find(key_of(site, source)) : sites_.find(site.name);
    return found == sites_.end() ? nullptr : found->second;
  }

  std::shared_ptr<Site> site_for(const std::shared_ptr<const routing::Site>& description, const std::shared_ptr<const Source>& source) {
    if (auto found = find_site(*description, source.get())) return found;
    if (sites_.size() >= sweep_at_) sweep();
    auto site = std::make_shared<Site>(context_, plain_hosts_, *this, description, source);
    if (draining_) site->drain();
    sites_.emplace(key_of(*description, source.get()), site);
    return site;
  }

  Choice choose(const Pool& pool, const Job& job, const Source* not_by) {
    Choice choice;
    for (const std::size_t i : in_order(pool, job.message->id)) {
      const std::shared_ptr<const Source>& source = pool.members[i].source;
      if (not_by && source->name == not_by->name) continue;
      if (const auto* resting = health_.resting(source->name, now())) {
        choice.broken = choice.broken && choice.broken->until <= resting->until ? choice.broken : resting;
        continue;
      }
      const auto site = find_site(*job.site, source.get());
      if (site && site->refuses()) {
        choice.refusing = choice.refusing ? choice.refusing : source;
        continue;
      }
      if (!has_room(*source, *job.site, choice.place)) {
        choice.cold.push_back(source->name);
        continue;
      }
      choice.source = source;
      return choice;
    }
    return choice;
  }

  bool has_room(const Source& source, const routing::Site& site, Place& place) {
    if (!source.warmup || !context_.warmup || site.hops.empty() || site.hops.front().host.empty()) return true;
    const auto schedule = egress_->warmup ? egress_->warmup : WarmupSchedule::shipped();
    const auto today = std::chrono::floor<std::chrono::days>(context_.clock.now());
    const auto ceiling = schedule->ceiling(site.hops.front().host, today - *source.warmup);
    if (!ceiling) return true;
    place = context_.warmup->take(source.name, *ceiling, today);
    return place != nullptr;
  }

  void offer_to(const Pool& pool, Job job) {
    Choice choice = choose(pool, job, nullptr);
    const auto& source = choice.source ? choice.source : choice.refusing;
    if (!source) return decline(job, nobody(*job.site, choice));
    const auto site = job.site;
    site_for(site, source)->offer(std::move(job), std::move(choice.place));
  }

  queue::Outcome nobody(const routing::Site& site, const Choice& choice) const {
    if (choice.cold.empty()) {
      const bool known = choice.broken != nullptr;
      queue::Outcome outcome = unreachable(kMisconfigured, known ? choice.broken->why : "not tried: the pool has no source", "outbound");
      if (known) outcome.retry_after = choice.broken->until - now();
      return outcome;
    }
    const WallTime wall = context_.clock.now();
    const auto tomorrow = std::chrono::floor<std::chrono::days>(wall) + std::chrono::days(1);
    queue::Outcome outcome = unreachable(
        kCongested, fmt::format("not tried: {} gets no more today from {}, still warming up", site.name, fmt::join(choice.cold, ", ")),
        "outbound");
    outcome.retry_after = std::chrono::duration_cast<Duration>(tomorrow - wall);
    if (choice.broken) outcome.retry_after = std::min(outcome.retry_after, choice.broken->until - now());
    return outcome;
  }

  void sweep() {
    std::erase_if(sites_, [](const auto& entry) { return entry.second->idle(); });
    sweep_at_ = std::max(kSweepAbove, sites_.size() * 2);
  }

  const Context context_;
  PlainHosts plain_hosts_;
  SourceHealth health_;
  std::shared_ptr<const Egress> egress_;  // as of looked_at_settings_
  SteadyTime looked_at_settings_{};
  bool looked_ = false;
  std::unordered_map<std::string, std::shared_ptr<Site>> sites_;  // by key_of()
  std::size_t sweep_at_ = kSweepAbove;
  bool draining_ = false;
};

}  // namespace

std::unique_ptr<Outbound> make_outbound(Context context) { return std::make_unique<OutboundOfLoop>(std::move(context)); }

}  // namespace godwit::outbound
