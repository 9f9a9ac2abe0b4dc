// How much waits, and by what: from the catalogues alone.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <map>

#include "frontend/adminapi/queue_call.h"

namespace godwit::adminapi {
namespace {

struct Sum {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t held = 0;
  std::uint64_t kilobytes = 0;
  WallTime oldest = WallTime::max();

  void add(const queue::Card& card) {
    ++messages;
    recipients += card.pending;
    held += card.held ? 1 : 0;
    kilobytes += card.kilobytes;
    oldest = std::min(oldest, card.id.time());
  }
  void add(const Sum& other) {
    messages += other.messages;
    recipients += other.recipients;
    held += other.held;
    kilobytes += other.kilobytes;
    oldest = std::min(oldest, other.oldest);
  }
};

enum class By : std::uint8_t { domain, tenant, sender, reason, age };
constexpr std::array<std::string_view, 5> kBy{"domain", "tenant", "sender", "class", "age"};

struct Age {
  std::string_view name;
  Duration below;
};
using namespace std::chrono_literals;
constexpr std::array kAges{Age{"under 5m", 5min}, Age{"5m to 30m", 30min}, Age{"30m to 1h", 1h}, Age{"1h to 4h", 4h},
                           Age{"4h to 12h", 12h}, Age{"12h to 1d", 24h},   Age{"1d to 3d", 72h}, Age{"over 3d", Duration::max()}};

// So many of the largest groups of a loop are kept: a million senders with a message each are for nobody to read.
constexpr std::size_t kGroups = 10'000;
constexpr std::size_t kOverview = 10;

// The groups of one dimension. Within a loop by number, which costs nothing to look up; over the loops by name.
class Groups {
 public:
  Groups(By by, WallTime now) : by_(by), now_(now) {}

  void add(const queue::Catalogue& catalogue, const queue::Card& card) {
    switch (by_) {
      case By::domain: return slot(catalogue, card.domain).add(card);
      case By::tenant: return slot(catalogue, card.tenant).add(card);
      case By::sender: return slot(catalogue, card.sender).add(card);
      case By::reason: {
        if (card.reason != 0) return slot(catalogue, card.reason).add(card);
        return by_name_[std::string(queue::class_of(catalogue.names(), card))].add(card);
      }
      case By::age: return ages_[age_of(card)].add(card);
    }
  }

  void end_loop(const queue::Catalogue& catalogue) {
    std::vector<std::pair<std::uint64_t, queue::NameId>> largest;
    for (queue::NameId id = 0; id < by_number_.size(); ++id)
      if (by_number_[id].messages > 0) largest.emplace_back(by_number_[id].messages, id);
    const std::size_t kept = std::min(largest.size(), kGroups);
    std::ranges::partial_sort(largest, largest.begin() + static_cast<std::ptrdiff_t>(kept), std::ranges::greater());
    for (std::size_t i = 0; i < largest.size(); ++i) {
      const Sum& sum = by_number_[largest[i].second];
      if (i < kept)
        by_name_[name(catalogue, largest[i].second)].add(sum);
      else
        others_.add(sum);
    }
    by_number_.clear();
  }

  boost::json::array rows(std::size_t most) const {
    std::vector<std::pair<std::string, Sum>> all;
    if (by_ == By::age)
      for (std::size_t i = 0; i < kAges.size(); ++i) all.emplace_back(kAges[i].name, ages_[i]);
    else
      all.assign(by_name_.begin(), by_name_.end());
    if (by_ != By::age) std::ranges::sort(all, std::ranges::greater(), [](const auto& each) { return each.second.messages; });
    boost::json::array out;
    Sum rest = others_;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].second.messages == 0) continue;
      if (i < most)
        out.push_back(row(all[i].first, all[i].second));
      else
        rest.add(all[i].second);
    }
    if (rest.messages > 0) out.push_back(row("(others)", rest));
    return out;
  }

 private:
  Sum& slot(const queue::Catalogue& catalogue, queue::NameId id) {
    if (id >= by_number_.size()) by_number_.resize(std::max<std::size_t>(catalogue.names().bound(), id + 1));
    return by_number_[id];
  }
  std::size_t age_of(const queue::Card& card) const {
    const Duration age = now_ - card.id.time();
    std::size_t i = 0;
    while (age >= kAges[i].below) ++i;
    return i;
  }
  std::string name(const queue::Catalogue& catalogue, queue::NameId id) const {
    if (id != 0) return std::string(catalogue.names().text(id));
    return by_ == By::sender ? "<>" : "-";
  }
  boost::json::object row(std::string_view name, const Sum& sum) const {
    const auto age = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now_ - sum.oldest).count());
    return {{"name", name},     {"messages", sum.messages},       {"recipients", sum.recipients},
            {"held", sum.held}, {"bytes", sum.kilobytes * 1'024}, {"oldest_seconds", age}};
  }

  By by_;
  WallTime now_;
  std::vector<Sum> by_number_;
  std::map<std::string, Sum> by_name_;
  std::array<Sum, kAges.size()> ages_{};
  Sum others_;
};

boost::json::array describe(const std::vector<outbound::SiteStatus>& all) {
  boost::json::array sites;
  for (const auto& site : all) {
    boost::json::object row{{"site", site.name},
                            {"waiting", site.waiting},
                            {"connections", site.connections},
                            {"most_connections", site.most_connections},
                            {"down", site.down},
                            {"source", site.source},
                            {"group", site.group}};
    if (!site.source.empty()) row["source"] = site.source;
    if (!site.group.empty()) row["group"] = site.group;
    if (site.down) {
      row["next_probe"] = format_rfc3339(site.next_probe);
      row["last_error"] = site.last_error;
    }
    sites.push_back(std::move(row));
  }
  return sites;
}

}  // namespace

Answer queue_summary(Context& context, Call call) {
  const std::string by = call.query("by");
  const auto wanted = std::ranges::find(kBy, by);
  if (!by.empty() && by != "site" && wanted == kBy.end())
    co_return answer_error(400, fmt::format("--by {}: it is site, domain, tenant, sender, class or age", by));
  auto filter = filter_of_query(call, context.clock.now());
  if (!filter) co_return answer_error(filter.error());
  const bool complete = co_await catalogue_is_complete(context);
  std::vector<std::pair<std::string, Groups>> groups;
  for (std::size_t i = 0; i < kBy.size(); ++i)
    if (by.empty() || kBy[i] == by) groups.emplace_back(kBy[i], Groups(static_cast<By>(i), context.clock.now()));
  Sum all;
  Visit add = [&](const queue::Catalogue& catalogue, const queue::Card& card) {
    if (filter->any() && filter->matches(catalogue.names(), card) == queue::Filter::Answer::no) return;
    all.add(card);
    for (auto& [name, group] : groups) group.add(catalogue, card);
  };
  End end = [&](const queue::Catalogue& catalogue) {
    for (auto& [name, group] : groups) group.end_loop(catalogue);
  };
  co_await visit_cards(context, std::move(add), std::move(end));
  const auto totals = context.queue.totals();
  const bool counted = complete || filter->any();  // until every card is there the counters know more
  boost::json::object out{{"messages", counted ? all.messages : totals.messages},
                          {"recipients", counted ? all.recipients : totals.recipients},
                          {"held", counted ? all.held : totals.held},
                          {"bytes", filter->any() ? all.kilobytes * 1'024 : totals.bytes},
                          {"complete", complete}};
  boost::json::object groups_out;
  for (const auto& [name, group] : groups) groups_out[name] = group.rows(by.empty() ? kOverview : kGroups);
  out["by"] = std::move(groups_out);
  if (context.sites && (by.empty() || by == "site")) {
    const auto sites = co_await context.sites();
    out["sites"] = describe(sites);
  }
  out["rules"] = context.queue.rules()->all().size();
  co_return answer_json(std::move(out));
}

}  // namespace godwit::adminapi
