#include "service/intake/bursts.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "base/log.h"
#include "base/metrics.h"

namespace godwit::intake {
namespace {

constexpr double kHour = 3'600'000;  // ms: `recent` falls to a third of it in an hour of silence
constexpr double kHalfOfHabit = 14.0 * 24 * kHour;
constexpr Duration kForgotten = std::chrono::days(90);
constexpr std::size_t kMostHabits = 1'000'000;
constexpr std::string_view kFirstLine = "godwit habits 1";

auto day_of(WallTime time) { return std::chrono::floor<std::chrono::days>(time); }

const queue::Rule* rule_about(const queue::Rules& rules, const std::string& account) {
  for (const queue::Rule& rule : rules.all())
    if (rule.kind == queue::Rule::Kind::hold_new && rule.filter.sender == account) return &rule;
  return nullptr;
}

}  // namespace

Bursts::Bursts(queue::Queue& queue, Clock& clock, std::function<std::shared_ptr<const BurstSettings>()> settings, OnHeld on_held)
    : queue_(queue), clock_(clock), settings_(std::move(settings)), on_held_(std::move(on_held)) {}

void Bursts::fade(Habit& habit, WallTime now) const {
  const double passed = std::max<double>(0, static_cast<double>((now - habit.last).count()));
  habit.recent *= std::exp(-passed / kHour);
  habit.usual *= std::exp2(-passed / kHalfOfHabit);
  if (day_of(now) != day_of(habit.last)) {
    habit.usual = std::max(habit.usual, habit.peak);
    habit.peak = 0;
  }
  habit.last = now;
}

// Why the account is to be held; empty: it is not.
std::string Bursts::too_far(const std::string& account, std::size_t recipients, const BurstSettings& settings) {
  const std::lock_guard lock(mutex_);
  if (habits_.size() >= kMostHabits && !habits_.contains(account)) return {};
  Habit& habit = habits_[account];
  fade(habit, clock_.now());
  habit.recent += static_cast<double>(recipients);
  habit.peak = std::max(habit.peak, habit.recent);
  const double most = std::max(static_cast<double>(settings.recipients), habit.usual * static_cast<double>(settings.factor));
  if (habit.recent <= most) return {};
  return fmt::format(
      "{} has mailed {:.0f} recipients within about an hour, and never more than {:.0f} before: perhaps its password is stolen", account,
      habit.recent, habit.usual);
}

Task<> Bursts::count(std::string account, std::size_t recipients, IpAddress from) {
  const auto settings = settings_();
  if (settings->factor == 0 || from.is_loopback() || contains(settings->exempt, from)) co_return;
  std::string why = too_far(account, recipients, *settings);
  if (why.empty()) co_return;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    // Before the look at the rules: whoever makes one is entered here until it stands.
    if (!being_held_.contains(account)) {
      if (rule_about(*queue_.rules(), account) != nullptr) co_return;
      first = being_held_.try_emplace(account).second;
    }
  }
  if (!first) {
    co_await suspend<bool>([&](Resume<bool> resume) {
      const std::lock_guard lock(mutex_);
      if (const auto found = being_held_.find(account); found != being_held_.end())
        found->second.push_back(std::move(resume));
      else
        resume(true);
    });
    co_return;
  }
  std::string name = account;
  co_await hold(std::move(name), std::move(why));
  std::vector<Resume<bool>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::move(being_held_.extract(account).mapped());
  }
  for (Resume<bool>& resume : waiting) resume(true);
}

Task<> Bursts::hold(std::string account, std::string why) {
  queue::Rule rule;
  rule.kind = queue::Rule::Kind::hold_new;
  rule.filter.sender = account;
  rule.why = why;
  const auto added = co_await queue_.add_rule(std::move(rule));
  if (!added) {  // the next message tries again
    log::error("account_not_held", {{"account", account}, {"why", why}, {"error", added.error().text}});
    co_return;
  }
  static metrics::Counter& held =
      metrics::counter("godwit_accounts_held_total", "Accounts that were held for sending far above their habit");
  held.add();
  log::warning("account_held", {{"account", account}, {"why", why}, {"mend", "godwit account release, or purge"}});
  if (on_held_) on_held_(account, why);
}

Task<Result<bool>> Bursts::forgive(std::string account) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = habits_.find(account); found != habits_.end()) {
      Habit& habit = found->second;
      habit.usual = std::max({habit.usual, habit.peak, habit.recent});
    }
  }
  bool any = false;
  while (true) {
    const auto rules = queue_.rules();
    const queue::Rule* const rule = rule_about(*rules, account);
    if (rule == nullptr) co_return any;
    GODWIT_CO_ASSIGN(const bool removed, co_await queue_.remove_rule(rule->number));
    if (!removed) co_return any;
    any = true;
  }
}

void Bursts::load(store::Disk& disk, const std::string& path) {
  const auto file = disk.open(path, store::Disk::Open::read);
  if (!file) return;
  const auto size = (*file)->size();
  std::string bytes(size ? *size : 0, '\0');
  const auto count = (*file)->read_at(0, bytes);
  if (!count) return;
  bytes.resize(*count);
  std::istringstream in(bytes);
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) return log::warning("habits_not_read", {{"file", path}});
  const std::lock_guard lock(mutex_);
  while (std::getline(in, line)) {
    std::istringstream words(line);
    Habit habit;
    std::int64_t last = 0;
    std::string account;
    words >> habit.recent >> habit.peak >> habit.usual >> last;
    if (!words || !std::getline(words >> std::ws, account) || account.empty()) continue;
    habit.last = WallTime(std::chrono::milliseconds(last));
    if (habits_.size() < kMostHabits) habits_[account] = habit;
  }
}

Result<void> Bursts::save(store::Disk& disk, const std::string& path) {
  std::string out = std::string(kFirstLine) + "\n";
  {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_.now();
    std::erase_if(habits_, [&](const auto& entry) { return now - entry.second.last > kForgotten; });
    for (const auto& [account, habit] : habits_)
      if (!account.contains('\n'))
        fmt::format_to(std::back_inserter(out), "{:.1f} {:.1f} {:.1f} {} {}\n", habit.recent, habit.peak, habit.usual,
                       habit.last.time_since_epoch().count(), account);
  }
  const std::string fresh = path + ".new";
  GODWIT_ASSIGN(const auto file, disk.open(fresh, store::Disk::Open::create_or_open));
  GODWIT_TRY(file->truncate(0));
  GODWIT_TRY(file->write_at(0, out));
  GODWIT_TRY(file->sync_data());
  return disk.rename(fresh, path);
}

}  // namespace godwit::intake
