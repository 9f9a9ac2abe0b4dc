#include "state/queue/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "state/queue/pattern.h"

namespace godwit::queue {
namespace {

bool keeps_back(const Rule& rule) { return rule.kind == Rule::Kind::suspend || rule.kind == Rule::Kind::action; }

// An action takes what was there when it was asked for. A release or a retry keeps nobody waiting.
bool is_for(const Rule& rule, MessageId id) {
  if (rule.kind != Rule::Kind::action) return true;
  return id <= rule.up_to && rule.action != Rule::Action::release && rule.action != Rule::Action::retry;
}

}  // namespace

std::string Rule::text() const {
  if (!site.empty()) return "site " + site;
  return filter.text();
}

Rules::Rules(std::vector<Rule> all) : all_(std::move(all)) {
  std::ranges::sort(all_, {}, &Rule::number);
  for (const Rule& rule : all_) {
    suspends_ = suspends_ || (keeps_back(rule) && rule.site.empty());
    suspends_sites_ = suspends_sites_ || !rule.site.empty();
    holds_new_ = holds_new_ || rule.kind == Rule::Kind::hold_new;
  }
}

const Rule* Rules::find(std::uint64_t number) const {
  const auto found = std::ranges::find(all_, number, &Rule::number);
  return found == all_.end() ? nullptr : &*found;
}

const Rule* Rules::suspended(const Names& names, const Card& card, WallTime now) const {
  if (!suspends_) return nullptr;
  for (const Rule& rule : all_) {
    if (!keeps_back(rule) || !rule.site.empty() || rule.is_over(now) || !is_for(rule, card.id)) continue;
    if (rule.filter.matches(names, card) != Filter::Answer::yes) continue;
    // One recipient is enough for an action, which is about messages; a suspension by domain is about recipients.
    const bool by_recipient = rule.kind == Rule::Kind::suspend && !(rule.filter.domain.empty() && rule.filter.to.empty());
    if (!by_recipient || !card.several) return &rule;
  }
  return nullptr;
}

const Rule* Rules::suspended(const Message& message, const Recipient& recipient, WallTime now) const {
  if (!suspends_) return nullptr;
  for (const Rule& rule : all_) {
    if (!keeps_back(rule) || !rule.site.empty() || rule.is_over(now) || !is_for(rule, message.id)) continue;
    if (!rule.filter.matches(message)) continue;
    if (rule.kind == Rule::Kind::action || rule.filter.matches(recipient)) return &rule;
  }
  return nullptr;
}

const Rule* Rules::suspended_site(std::string_view site, WallTime now) const {
  if (!suspends_sites_) return nullptr;
  for (const Rule& rule : all_)
    if (!rule.site.empty() && !rule.is_over(now) && pattern_match(rule.site, site)) return &rule;
  return nullptr;
}

const Rule* Rules::holds_new(const Message& message) const {
  if (!holds_new_) return nullptr;
  for (const Rule& rule : all_)
    if (rule.kind == Rule::Kind::hold_new && rule.filter.matches(message)) return &rule;
  return nullptr;
}

std::string suspension_text(const Rule& rule) {
  if (rule.kind == Rule::Kind::action) return "an action of the administrator is under way";
  return fmt::format("suspended by the administrator ({}){}", rule.text(), rule.why.empty() ? "" : ": " + rule.why);
}

}  // namespace godwit::queue
