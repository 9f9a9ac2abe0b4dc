#pragma once
// Where mail goes, as far as the queue knows: a recipient's domain at first, its site as soon as one message has been there. Each
// has so many messages in work, gets more or fewer of them, and is left alone while it is down. Bookkeeping alone: time is passed in.
// One loop.
//
// How many: `backlog` to begin with, and what the site has taken in half a second if that is more: enough to keep it busy, few enough
// that whoever comes next is soon there. Never more than the window has room beside all that is out, so that slow ones leave room for
// the others. One that was down gets one message; each that comes back alive lets in one more.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "state/queue/priority.h"

namespace godwit::scheduler {

using Place = std::uint32_t;
inline constexpr Place kNowhere = UINT32_MAX;

class Destinations {
 public:
  // Messages in work at the same time, of all destinations; and the least that one gets.
  void set_limits(std::size_t window, std::size_t backlog);
  // Of the window; a message may count at several destinations.
  void set_in_work(std::size_t messages) { in_work_ = messages; }

  // The one that takes the domain's mail; one of its own, until its site is known.
  Place of_domain(std::string_view domain);
  Place of_site(std::string_view site);
  const std::string& name(Place place) const { return all_[place].name; }
  // The domain's mail goes to that site. Returns a place that is to be joined to of_domain(domain): it was the domain's alone until now.
  std::optional<Place> learn(std::string_view domain, std::string_view site);

  // Its mail is lined up by itself again. Returns its place.
  Place separate(std::string_view domain);
  bool leads_to(std::string_view domain, std::string_view site) const;
  // Nothing is known any more about which domain belongs where.
  void forget_domains() { domains_.clear(); }
  // It is limited by the window alone.
  void set_wide(Place place) { all_[place].wide = true; }

  // One message more may be in work there. A part beyond the limit is for urgent ones.
  bool may_take(Place place, bool urgent) const { return has_room(place, 0, urgent); }
  bool has_room(Place place, std::size_t besides, bool urgent) const;
  void take(Place place);
  void back(Place place, SteadyTime now);
  void undo(Place place);  // of take(): it was not tried
  std::size_t out(Place place) const { return all_[place].out; }
  std::size_t out() const { return out_; }

  // Nobody there takes mail before that time has passed: nothing goes there.
  void down(Place place, Duration length, SteadyTime now);
  // It answers. true: until now it did not.
  bool alive(Place place);
  bool closed(Place place) const { return all_[place].closed; }
  SteadyTime closed_until(Place place) const { return all_[place].until; }
  std::uint32_t failures(Place place) const { return all_[place].failures; }
  std::size_t closed() const { return closed_.size(); }
  // One whose time is over, or nothing.
  std::optional<Place> reopen(SteadyTime now);
  std::optional<SteadyTime> next_reopening() const;

  // Those that nobody would miss are forgotten; `busy` says which have messages waiting.
  template <class Busy, class Forgotten>
  void forget_idle(const Busy& busy, const Forgotten& forgotten);
  bool many() const { return used_ > forget_at_; }
  std::size_t size() const { return used_; }

 private:
  struct Destination {
    std::string name;
    bool is_site = false;
    bool used = false;
    bool closed = false;
    bool wide = false;
    bool gentle = false;         // after it was down
    std::uint32_t failures = 0;  // probes in a row
    std::size_t out = 0;
    std::size_t allowed = 0;  // 0: what everybody gets
    std::size_t returned = 0;
    SteadyTime since{};  // of `returned`
    SteadyTime until{};  // while closed
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using ByName = std::unordered_map<std::string, Place, Hash, std::equal_to<>>;

  Place make(std::string_view name, bool is_site);
  std::size_t limit(const Destination& to) const;

  std::vector<Destination> all_;
  std::vector<Place> free_;
  ByName domains_;
  ByName sites_;
  std::set<std::pair<SteadyTime, Place>> closed_;
  std::size_t window_ = 10'000;
  std::size_t backlog_ = 64;
  std::size_t out_ = 0;
  std::size_t in_work_ = SIZE_MAX;
  std::size_t used_ = 0;
  std::size_t forget_at_ = 1'024;
};

template <class Busy, class Forgotten>
void Destinations::forget_idle(const Busy& busy, const Forgotten& forgotten) {
  const auto idle = [&](Place place) {
    const Destination& to = all_[place];
    return to.out == 0 && !to.closed && !busy(place);
  };
  std::erase_if(domains_, [&](const auto& each) { return idle(each.second); });
  std::erase_if(sites_, [&](const auto& each) { return idle(each.second); });
  for (Place place = 0; place < all_.size(); ++place) {
    if (!all_[place].used || !idle(place)) continue;
    forgotten(place);
    all_[place] = {};
    free_.push_back(place);
    --used_;
  }
  forget_at_ = std::max<std::size_t>(1'024, used_ * 2);
}

}  // namespace godwit::scheduler
