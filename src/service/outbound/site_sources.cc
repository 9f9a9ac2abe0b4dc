// The part of a site that minds where its mail leaves from: families, other sources, tenants that are stopped.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"
#include "service/outbound/site.h"
#include "service/outbound/tenants.h"

namespace godwit::outbound {
namespace {

std::string_view name_of(bool v6) { return v6 ? "IPv6" : "IPv4"; }

}  // namespace

// Those of the addresses that the source can connect to; the families are remembered.
Result<std::vector<Endpoint>> Site::reachable(const routing::Hop& hop, const std::vector<IpAddress>& addresses) {
  std::vector<Endpoint> out;
  for (const IpAddress& address : addresses) {
    if (!source_has(address.v6)) continue;
    family_seen_[address.v6] = true;
    out.push_back({address, hop.port});
  }
  if (!out.empty()) return out;
  const bool v6 = addresses.front().v6;
  return fail(Error::temporary(Error::Cause::unsupported,
                               fmt::format("{} has only {} addresses, and the source {} has none", hop.host, name_of(v6), source_->name)));
}

// The family that was refused is tried when the other one leads nowhere.
void Site::set_aside_refused(std::vector<Endpoint>& endpoints, std::vector<Endpoint>& last_resort) const {
  const auto refused = [this](const Endpoint& endpoint) { return family_refused(endpoint.address.v6); };
  if (std::ranges::all_of(endpoints, refused)) return;
  std::ranges::copy_if(endpoints, std::back_inserter(last_resort), refused);
  std::erase_if(endpoints, refused);
}

bool Site::is_of_family(const queue::Outcome& outcome) const {
  if (outcome.kind == queue::Outcome::Kind::delivered || outcome.remote_reply.empty()) return false;
  const ReplyClass* as = classes().find(outcome.reply_class);
  return as && (as->action == Action::other_family || as->action == Action::suspend_source);
}

void Site::note_refused_family(bool v6, queue::Outcome why) {
  SiteVerdict verdict;
  treat(why, classes(), verdict);
  if (!is_of_family(why) || !family_seen_[!v6]) return;
  family_refused_[v6] = now() + kFamilyRefused;
  log::warning("family refused", {{"site", description_->name},
                                  {"source", source_ ? std::string_view(source_->name) : std::string_view()},
                                  {"family", name_of(v6)},
                                  {"remote", why.remote},
                                  {"reply", why.remote_reply}});
}

// true: the message, or those of its recipients who were refused for the family, is tried over the other one, once.
bool Site::take_other_family(Work& work) {
  if (!work.over_v6 || work.family_changed || stopping() || pace_.resting(now())) return false;
  const bool v6 = *work.over_v6;
  if (!family_seen_[!v6] || now() < family_refused_[!v6]) return false;
  std::vector<std::size_t> again;
  for (std::size_t i = 0; i < work.outcomes.size(); ++i)
    if (is_of_family(work.outcomes[i])) again.push_back(i);
  if (again.empty()) return false;
  note_refused_family(v6, work.outcomes[again.front()]);
  family_refused_[v6] = now() + kFamilyRefused;
  const queue::Outcome& refusal = work.outcomes[again.front()];
  context_.trace.add(work.job.message->id, "attempt",
                     fmt::format("{}: refused over {}, next over {}: {}", refusal.remote, name_of(v6), name_of(!v6), refusal.remote_reply));
  for (const std::size_t position : again) work.outcomes[position] = {};
  work.open = std::move(again);
  work.family_changed = true;
  waiting_.push_front(std::move(work));
  outbound_metrics().waiting.add(1);
  grow();
  return true;
}

// Only what nobody has tried: there is no outcome yet that another source could not take back.
bool Site::move_elsewhere(Work& work) {
  if (!source_ || stopping() || work.open.size() != work.outcomes.size() || work.unheard > 0 || work.family_changed) return false;
  const std::shared_ptr<const Source> source = source_;
  return owner_.take_elsewhere(work.job, *source);
}

bool Site::tenant_stopped(Work& work) {
  if (!context_.tenants) return false;
  const auto stop = context_.tenants->find(work.job.message->tenant, now());
  if (!stop) return false;
  work.decide_open(kept_back(work.job.message->tenant, *stop, now()));
  work.job.done(std::move(work.outcomes));
  return true;
}

void Site::stop_tenant(const Work& work, const SiteVerdict& verdict) {
  const std::string& tenant = work.job.message->tenant;
  if (!verdict.stop || !context_.tenants || tenant.empty()) return;
  const queue::Outcome& why = *verdict.stop_why;
  if (!context_.tenants->stop(tenant, verdict.stop->after, fmt::format("{}: {}", why.remote, why.remote_reply), now())) return;
  metrics::counter("godwit_outbound_tenants_stopped_total", "Times that a tenant's mail was kept back for a reply to it").add();
  log::error("tenant stopped", {{"tenant", tenant},
                                {"class", why.reply_class},
                                {"remote", why.remote},
                                {"reply", why.remote_reply},
                                {"for", format_duration(verdict.stop->after)}});
}

void Site::source_failed() {
  const queue::Outcome why = *way_failed_;
  last_failure_ = why;
  dialogues_broke_ = false;
  grow_after_ = now() + kGrowAgain;
  owner_.source_failed(*source_, why);
  if (connections_ == 0) fail_waiting();
}

void Site::begin_rest(Duration length, queue::Outcome why) {
  blocked_ = 0;
  unwanted_ = std::move(why);
  pace_.rest(length, now());
}

void Site::send_away() { fail_waiting(); }

bool Site::refuses() const {
  const SteadyTime when = now();
  if (stopping()) return false;  // and says so itself
  return pace_.resting(when) || (connections_ == 0 && hops_.down(when)) || pace_.turn_after(waiting_.size(), when) > kPatience;
}

}  // namespace godwit::outbound
