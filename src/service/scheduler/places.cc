// What attempts teach about destinations, and who has to wait because of it.

#include <algorithm>

#include "base/log.h"
#include "base/units.h"
#include "service/scheduler/retry.h"
#include "service/scheduler/scheduler_impl.h"

namespace godwit::scheduler {
namespace {

// Messages that wait for the DNS are at a destination of their own: a resolver that does not answer never takes the whole window.
const std::string kDns = "(DNS)";
const std::string kAnywhere = "(anywhere)";
constexpr Duration kSuspended = std::chrono::hours(1);  // a site that is suspended for good is looked at again

queue::Outcome kept_back(const queue::Rule& rule) {
  queue::Outcome outcome;
  outcome.status = {4, 3, 2};  // RFC 3463 3.4: system not accepting network messages
  outcome.text = queue::suspension_text(rule);
  outcome.remote = "local";
  outcome.site_down = true;
  return outcome;
}

}  // namespace

// For what an administrator has changed, and messages to several domains.
Place TheScheduler::anywhere() {
  const Place place = lineup_.destinations().of_site(kAnywhere);
  lineup_.destinations().set_wide(place);
  return place;
}

Place TheScheduler::dns() {
  const Place place = lineup_.destinations().of_site(kDns);
  lineup_.destinations().set_wide(place);
  return place;
}

// A job counts where it is, so the message counts no longer where it was lined up.
void TheScheduler::offer(Entry& entry, Round& round) {
  if (round.not_offered().empty()) return;
  for (const Plan::Remote& remote : round.not_offered()) {
    const Place place = lineup_.destinations().of_site(remote.site->name);
    if (place == entry.place)
      entry.place = kNowhere;
    else
      lineup_.destinations().take(place);
  }
  give_back(entry);
  round.offer([this, id = entry.message->id](const std::string& site, JobEnd end) { job_done(site, id, end); });
}

void TheScheduler::give_back(Entry& entry) {
  if (entry.place != kNowhere) lineup_.back(std::exchange(entry.place, kNowhere), context_.clock.steady());
}

// A message of which nothing has been done yet, and whose site takes nothing now: it waits there by its id.
bool TheScheduler::put_back(const queue::Message& message, const Plan& plan) {
  Entry& entry = *window_.find(message.id);
  if (entry.must || entry.asked) return false;
  Destinations& all = lineup_.destinations();
  const bool urgent = queue::urgency_of(message.priority) == queue::Urgency::urgent;
  const auto takes = [&](Place place) { return place == entry.place ? !all.closed(place) : all.may_take(place, urgent); };
  if (plan.is_for_the_dns()) {
    if (takes(dns())) return false;
    entry.site = kDns;
    return true;
  }
  if (!plan.is_for_sites()) return false;
  close_suspended(plan);
  const Plan::Remote* first = nullptr;
  for (const Plan::Remote& remote : plan.remotes) {
    const Place place = all.of_site(remote.site->name);
    const bool waits = plan.remotes.size() == 1 ? !takes(place) : all.closed(place);
    if (!waits) return false;
    if (!first || all.closed_until(place) < all.closed_until(all.of_site(first->site->name))) first = &remote;
  }
  entry.site = first->site->name;
  return true;
}

// Asked again when the rules change, or their time is over.
void TheScheduler::close_suspended(const Plan& plan) {
  const WallTime now = context_.clock.now();
  for (const Plan::Remote& remote : plan.remotes) {
    const queue::Rule* rule = rules_->suspended_site(remote.site->name, now);
    if (!rule) continue;
    close(lineup_.destinations().of_site(remote.site->name), rule->until ? *rule->until - now : kSuspended);
    if (std::ranges::find(suspended_sites_, remote.site->name) == suspended_sites_.end()) suspended_sites_.push_back(remote.site->name);
  }
}

// A moment that comes while it is suspended finds that; nobody is asked, and no attempt is used up.
void TheScheduler::decide_suspended(const queue::Message& message, std::vector<std::size_t>& due, Decided& decided) const {
  const WallTime now = context_.clock.now();
  std::erase_if(due, [&](std::size_t index) {
    const queue::Rule* rule = rules_->suspended(message, message.recipients[index], now);
    if (rule) decided.emplace_back(index, kept_back(*rule));
    return rule != nullptr;
  });
}

void TheScheduler::decide_suspended_sites(Plan& plan) const {
  const WallTime now = context_.clock.now();
  std::erase_if(plan.remotes, [&](const Plan::Remote& remote) {
    const queue::Rule* rule = rules_->suspended_site(remote.site->name, now);
    if (rule)
      for (const std::size_t index : remote.recipients) plan.decided.emplace_back(index, kept_back(*rule));
    return rule != nullptr;
  });
}

// The others go; what is for a site that is down stays as it is, and its message is lined up there when the others are done.
void TheScheduler::leave_out_closed(const Entry& entry, Plan& plan) {
  if (entry.must || entry.asked) decide_suspended_sites(plan);
  if (entry.must || entry.asked) return;
  close_suspended(plan);
  std::erase_if(plan.remotes, [this](const Plan::Remote& remote) {
    return lineup_.destinations().closed(lineup_.destinations().of_site(remote.site->name));
  });
}

// What the DNS has said since the round began.
void TheScheduler::leave_out_closed(const Entry& entry, Round& round) {
  if (entry.must) return;
  close_suspended(round.plan());
  round.leave_out(
      [this](const Plan::Remote& remote) { return lineup_.destinations().closed(lineup_.destinations().of_site(remote.site->name)); });
}

// Which site takes a domain's mail, where that follows from the domain alone.
void TheScheduler::learn(const queue::Message& message, const Plan& plan) {
  look_at_routes();
  for (const Plan::Remote& remote : plan.remotes) {
    const smtp::Domain* last = nullptr;
    for (const std::size_t index : remote.recipients) {
      const smtp::Domain& domain = message.recipients[index].address.domain;
      if (!message.recipients[index].next_hop.empty() || (last && *last == domain)) continue;
      last = &domain;
      if (!lineup_.destinations().leads_to(domain.text(), remote.site->name) && router_->decides_by_domain(domain))
        lineup_.learn(domain.text(), remote.site->name);
    }
  }
}

// A domain that the DNS says nothing of is left alone like a site that is down.
void TheScheduler::learn_from_dns(const queue::Message& message, const Plan& plan) {
  learn(message, plan);
  if (stopping()) return;
  for (const auto& [index, outcome] : plan.decided)
    if (outcome.kind == queue::Outcome::Kind::deferred && outcome.site_down)
      close(lineup_.destinations().separate(message.recipients[index].address.domain.text()), {});
}

void TheScheduler::job_done(const std::string& site, MessageId id, JobEnd end) {
  const Place place = lineup_.destinations().of_site(site);
  // what a server that is stopping gives back says nothing about the site
  if (!stopping() && end.down && end.ours && end.again > Duration(0))
    close_for(place, window_.find(id)->message->tenant, end.again);
  else if (!stopping() && end.down)
    close(place, end.again);
  else if (!stopping() && lineup_.destinations().alive(place))
    log::info("site is back", {{"site", site}, {"lined_up", lineup_.lined_up(place)}});
  lineup_.back(place, context_.clock.steady());
  pump();
}

// The first one that comes back tells; the others that were out then say no more.
void TheScheduler::close(Place place, Duration asked) {
  Destinations& all = lineup_.destinations();
  if (all.closed(place)) return;
  const Duration length = asked > Duration(0) ? asked : retry_delay(context_.settings()->retry, all.failures(place) + 1, context_.random);
  const SteadyTime now = context_.clock.steady();
  all.down(place, length, now);
  log::info("destination waits", {{"site", all.name(place)}, {"for", format_duration(length)}, {"lined_up", lineup_.lined_up(place)}});
  wake_feed_at(now + length);
}

// Only this tenant's mail waits: it is for him that nothing goes there now.
void TheScheduler::close_for(Place place, const std::string& tenant, Duration length) {
  const SteadyTime until = context_.clock.steady() + length;
  lineup_.close(place, tenant, until);
  wake_feed_at(until);
}

// Other routes may lead elsewhere: everything is asked again.
void TheScheduler::look_at_routes() {
  auto router = context_.router();
  if (router == router_) return;
  const bool first = router_ == nullptr;
  router_ = std::move(router);
  if (first) return;
  lineup_.destinations().forget_domains();
  lineup_.reopen(SteadyTime::max());
}

}  // namespace godwit::scheduler
