#include "service/outbound/warmup.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/toml_reader.h"
#include "service/outbound/site_limits.h"

namespace godwit::outbound {

extern const std::string_view kShippedWarmup;  // share/warmup.toml

namespace {

constexpr std::uint64_t kMostADay = 1'000'000'000;
constexpr std::string_view kFirstLine = "godwit warmup 1 ";  // on disk: do not change (docs/formats/warmup.md)

std::string describe(const ConfigError& error) {
  const std::string where = error.line == 0 ? std::string() : fmt::format("{}:{}: ", error.line, error.column);
  return where + (error.key.empty() ? std::string() : error.key + ": ") + error.problem;
}

bool matches(const std::string& match, std::string_view host) {
  SiteRule rule;
  rule.match = match;
  return rule.matches(host);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view first = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return first;
}

}  // namespace

Result<std::shared_ptr<const WarmupSchedule>> WarmupSchedule::parse(const std::vector<std::string_view>& tables) {
  auto out = std::make_shared<WarmupSchedule>();
  std::vector<std::uint64_t> daily;
  for (const std::string_view text : tables) {
    TomlDocument document;
    const auto read_steps = [&](TomlTable& table, std::vector<std::uint64_t>& into) {
      table.counts("daily", into, 1, kMostADay);
      if (table.has("daily") && (into.empty() || into.size() > kDays))
        table.error("daily", fmt::format("has a number for each day, 1 to {} of them", kDays));
    };
    const auto read_root = [&](TomlTable& root) {
      std::vector<std::uint64_t> here;
      read_steps(root, here);
      if (daily.empty()) daily = std::move(here);
      root.tables("site", [&](TomlTable& table) {
        Steps steps;
        table.text("match", steps.match);
        if (steps.match.empty()) table.error("match", "is missing; write match = \"*.example.net\"");
        read_steps(table, steps.daily);
        if (!table.has("daily")) table.error("daily", "is missing; write daily = [50, 100, 200]");
        out->sites_.push_back(std::move(steps));
      });
    };
    if (document.load_text(text)) document.read(read_root);
    if (!document.errors().empty()) return fail(Error::permanent(Error::Cause::syntax, describe(document.errors().front())));
  }
  if (!daily.empty()) out->sites_.push_back({"*", std::move(daily)});
  return out;
}

std::shared_ptr<const WarmupSchedule> WarmupSchedule::shipped() {
  static const std::shared_ptr<const WarmupSchedule> instance = [] {
    auto parsed = parse({kShippedWarmup});
    GODWIT_CHECK(parsed);
    return *std::move(parsed);
  }();
  return instance;
}

Result<std::shared_ptr<const WarmupSchedule>> WarmupSchedule::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return fail(Error::permanent(Error::Cause::not_found, fmt::format("cannot read {}", path)));
  const std::string own = std::move(text).str();
  auto parsed = parse({own, kShippedWarmup});
  if (!parsed) return fail(Error::permanent(parsed.error().cause, fmt::format("{}:{}", path, parsed.error().text)));
  return parsed;
}

std::optional<WarmupSchedule::Ceiling> WarmupSchedule::ceiling(std::string_view host, std::chrono::days day) const {
  const auto found = std::ranges::find_if(sites_, [&](const Steps& steps) { return matches(steps.match, host); });
  if (found == sites_.end() || day.count() >= static_cast<std::ptrdiff_t>(found->daily.size())) return std::nullopt;
  Ceiling out{found->match == "*" ? ascii_lower(host) : found->match, 0};
  if (day.count() >= 0) out.messages = found->daily[static_cast<std::size_t>(day.count())];
  return out;
}

// Counts are of one day: the ledger never grows beyond what was sent to that day. A clock that was set back a little counts on.
void WarmupLedger::turn_to(std::chrono::sys_days day) {
  if (day <= day_ && day >= day_ - std::chrono::days(1)) return;
  day_ = day;
  sent_.clear();
  changed_ = true;
}

std::shared_ptr<WarmupLedger::Place> WarmupLedger::take(const std::string& source, const WarmupSchedule::Ceiling& ceiling,
                                                        std::chrono::sys_days day) {
  const std::lock_guard lock(mutex_);
  turn_to(day);
  std::uint64_t& sent = sent_[{source, ceiling.site}];
  if (sent >= ceiling.messages) return nullptr;
  ++sent;
  changed_ = true;
  return std::make_shared<Place>(shared_from_this(), source, ceiling.site, day_);
}

void WarmupLedger::give_back(const Place& place) {
  const std::lock_guard lock(mutex_);
  const auto found = sent_.find({place.source_, place.site_});
  if (place.day_ != day_ || found == sent_.end() || found->second == 0) return;
  --found->second;
  changed_ = true;
}

std::uint64_t WarmupLedger::sent(const std::string& source, const std::string& site) const {
  const std::lock_guard lock(mutex_);
  const auto found = sent_.find({source, site});
  return found == sent_.end() ? 0 : found->second;
}

bool WarmupLedger::changed() const {
  const std::lock_guard lock(mutex_);
  return changed_;
}

std::string WarmupLedger::text() const {
  const std::lock_guard lock(mutex_);
  std::string out = fmt::format("{}{}\n", kFirstLine, day_.time_since_epoch().count());
  for (const auto& [key, sent] : sent_)
    if (sent > 0) out += fmt::format("{} {} {}\n", sent, key.first, key.second);
  changed_ = false;
  return out;
}

Result<void> WarmupLedger::read(std::string_view text) {
  const auto wrong = [] { return fail(Error::permanent(Error::Cause::corrupt, "this is no record of what sources have sent")); };
  if (!text.starts_with(kFirstLine) || !text.ends_with('\n')) return wrong();
  text.remove_prefix(kFirstLine.size());
  std::map<std::pair<std::string, std::string>, std::uint64_t> sent;
  std::optional<std::uint64_t> day;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto first = number(word(line));
    if (!first) return wrong();
    if (!day) {
      day = first;
      continue;
    }
    const std::string source(word(line));
    if (source.empty() || line.empty()) return wrong();
    sent[{source, std::string(line)}] = *first;
  }
  if (!day || *day > 1'000'000) return wrong();
  const std::lock_guard lock(mutex_);
  day_ = std::chrono::sys_days(std::chrono::days(static_cast<int>(*day)));
  sent_ = std::move(sent);
  changed_ = false;
  return {};
}

}  // namespace godwit::outbound
