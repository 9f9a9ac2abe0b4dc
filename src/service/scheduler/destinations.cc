#include "service/scheduler/destinations.h"

#include <algorithm>

#include "base/result.h"

namespace godwit::scheduler {
namespace {

constexpr Duration kMeasured = std::chrono::milliseconds(250);
constexpr std::size_t kUrgentPart = 8;  // of what a destination gets, beyond it
constexpr std::size_t kUrgentLeast = 4;

}  // namespace

void Destinations::set_limits(std::size_t window, std::size_t backlog) {
  window_ = window;
  backlog_ = std::max<std::size_t>(backlog, 1);
}

Place Destinations::make(std::string_view name, bool is_site) {
  Place place = static_cast<Place>(all_.size());
  if (free_.empty()) {
    all_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  all_[place].name = name;
  all_[place].is_site = is_site;
  all_[place].used = true;
  ++used_;
  return place;
}

Place Destinations::of_domain(std::string_view domain) {
  const auto found = domains_.find(domain);
  if (found != domains_.end()) return found->second;
  return domains_.emplace(domain, make(domain, false)).first->second;
}

Place Destinations::of_site(std::string_view site) {
  const auto found = sites_.find(site);
  if (found != sites_.end()) return found->second;
  return sites_.emplace(site, make(site, true)).first->second;
}

std::optional<Place> Destinations::learn(std::string_view domain, std::string_view site) {
  const Place now = of_domain(domain);
  if (all_[now].is_site && all_[now].name == site) return std::nullopt;
  if (all_[now].is_site) {  // it has moved; what is lined up finds that out by itself
    domains_.find(domain)->second = of_site(site);
    return std::nullopt;
  }
  if (!sites_.contains(site)) {
    all_[now].name = site;
    all_[now].is_site = true;
    sites_.emplace(site, now);
    return std::nullopt;
  }
  domains_.find(domain)->second = of_site(site);
  if (all_[now].closed) alive(now);
  all_[now].gentle = false;
  return now;
}

Place Destinations::separate(std::string_view domain) {
  const Place now = of_domain(domain);
  return all_[now].is_site ? domains_.find(domain)->second = make(domain, false) : now;
}

bool Destinations::leads_to(std::string_view domain, std::string_view site) const {
  const auto found = domains_.find(domain);
  return found != domains_.end() && all_[found->second].is_site && all_[found->second].name == site;
}

std::size_t Destinations::limit(const Destination& to) const {
  if (to.closed) return 0;
  const std::size_t wanted = to.wide ? window_ : to.gentle ? to.allowed : std::max(to.allowed, backlog_);
  const std::size_t taken = std::min(out_, in_work_);
  const std::size_t room = window_ > taken ? window_ - taken : 0;
  return std::min(wanted, std::max<std::size_t>(room, 1));
}

// `besides`: so many more are about to go.
bool Destinations::has_room(Place place, std::size_t besides, bool urgent) const {
  const Destination& to = all_[place];
  const std::size_t most = limit(to);
  const std::size_t used = to.out + besides;
  if (used < most) return true;
  return urgent && most > 0 && !to.gentle && used < most + std::max(kUrgentLeast, most / kUrgentPart);
}

void Destinations::take(Place place) {
  ++all_[place].out;
  ++out_;
}

void Destinations::back(Place place, SteadyTime now) {
  Destination& to = all_[place];
  GODWIT_CHECK(to.out > 0);
  --to.out;
  --out_;
  ++to.returned;
  const Duration passed = now - to.since;
  if (passed < kMeasured) return;
  if (!to.gentle) to.allowed = to.returned * static_cast<std::size_t>(kMeasured.count()) * 2 / static_cast<std::size_t>(passed.count());
  to.returned = 0;
  to.since = now;
}

void Destinations::undo(Place place) {
  GODWIT_CHECK(all_[place].out > 0);
  --all_[place].out;
  --out_;
}

void Destinations::down(Place place, Duration length, SteadyTime now) {
  Destination& to = all_[place];
  if (to.closed) return;
  to.closed = true;
  to.gentle = true;
  to.allowed = 1;
  ++to.failures;
  to.until = now + length;
  closed_.emplace(to.until, place);
}

bool Destinations::alive(Place place) {
  Destination& to = all_[place];
  const bool was_down = to.failures > 0;
  if (to.closed) closed_.erase({to.until, place});
  to.closed = false;
  to.failures = 0;
  if (to.gentle && ++to.allowed > backlog_) to.gentle = false;
  return was_down;
}

std::optional<Place> Destinations::reopen(SteadyTime now) {
  if (closed_.empty() || closed_.begin()->first > now) return std::nullopt;
  const Place place = closed_.begin()->second;
  closed_.erase(closed_.begin());
  all_[place].closed = false;
  return place;
}

std::optional<SteadyTime> Destinations::next_reopening() const {
  if (closed_.empty()) return std::nullopt;
  return closed_.begin()->first;
}

}  // namespace godwit::scheduler
