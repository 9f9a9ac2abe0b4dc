#include "state/queue/filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "state/queue/pattern.h"

namespace godwit::queue {
namespace {

using Answer = Filter::Answer;

bool is_from(std::string_view pattern, std::string_view reverse_path) {
  return pattern == "<>" ? reverse_path.empty() : pattern_match(pattern, reverse_path);
}

std::string_view urgency_text(Urgency urgency) {
  switch (urgency) {
    case Urgency::urgent: return "urgent";
    case Urgency::normal: return "normal";
    case Urgency::non_urgent: return "non-urgent";
  }
  return "normal";
}

// What a card says of `to`: it knows the domain of the first pending recipient, and whether there are others.
Answer to_by_card(std::string_view pattern, std::string_view domain, const Card& card) {
  const std::size_t at = pattern.rfind('@');
  if (at == std::string_view::npos) return Answer::ask;
  // A star in the local part may not swallow the @: that is for the message to say.
  const bool whole_domain = pattern_match(pattern.substr(at + 1), domain);
  if (pattern.substr(0, at) == "*") {
    if (whole_domain) return Answer::yes;
    return card.several ? Answer::ask : Answer::no;
  }
  return whole_domain || card.several ? Answer::ask : Answer::no;
}

}  // namespace

std::string_view class_of(const Names& names, const Card& card) {
  if (card.reason != 0) return names.text(card.reason);
  return card.fresh ? kUntried : kNoClass;
}

bool Filter::any() const {
  return id || before || held || urgency || !to.empty() || !from.empty() || !tenant.empty() || !domain.empty() || !sender.empty() ||
         !reason.empty();
}

Filter::Answer Filter::matches(const Names& names, const Card& card) const {
  if (id && card.id != *id) return Answer::no;
  if (before && card.id.time() >= *before) return Answer::no;
  if (held && card.held != *held) return Answer::no;
  if (urgency && urgency_of(card.priority) != *urgency) return Answer::no;
  if (!from.empty() && !is_from(from, names.text(card.from))) return Answer::no;
  if (!sender.empty() && !is_from(sender, names.text(card.sender))) return Answer::no;
  if (!tenant.empty() && !pattern_match(tenant, names.text(card.tenant))) return Answer::no;
  if (!reason.empty() && !pattern_match(reason, class_of(names, card))) return Answer::no;
  Answer answer = Answer::yes;
  if (!domain.empty()) {
    if (pattern_match(domain, names.text(card.domain))) {
      answer = to.empty() || to == "*" ? Answer::yes : Answer::ask;  // `to` and `domain` are of the same recipient
    } else if (card.several) {
      answer = Answer::ask;
    } else {
      return Answer::no;
    }
  }
  if (to.empty() || to == "*") return answer;
  const Answer by_to = to_by_card(to, names.text(card.domain), card);
  if (by_to == Answer::no) return Answer::no;
  return answer == Answer::yes && domain.empty() ? by_to : Answer::ask;
}

bool Filter::matches(const Recipient& recipient) const {
  return (to.empty() || pattern_match(to, recipient.address.text())) &&
         (domain.empty() || pattern_match(domain, recipient.address.domain.text()));
}

bool Filter::matches(const Message& message) const {
  if (id && message.id != *id) return false;
  if (before && message.id.time() >= *before) return false;
  if (held && message.held != *held) return false;
  if (urgency && urgency_of(message.priority) != *urgency) return false;
  const std::string reverse_path = message.reverse_path.text();
  if (!from.empty() && !is_from(from, reverse_path)) return false;
  if (!sender.empty() && !is_from(sender, message.identity.empty() ? reverse_path : message.identity)) return false;
  if (!tenant.empty() && !pattern_match(tenant, message.tenant)) return false;
  if (!reason.empty()) {
    // As its card has it.
    Catalogue one;
    one.put(message, {}, !message.rows.waiting);
    if (!pattern_match(reason, class_of(one.names(), *one.find(message.id)))) return false;
  }
  if (to.empty() && domain.empty()) return true;
  const auto is_meant = [this](const Recipient& each) { return each.state == Recipient::State::pending && matches(each); };
  return std::ranges::any_of(message.recipients, is_meant);
}

std::string Filter::text() const {
  std::string out;
  const auto say = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, value);
  };
  if (id) say("id", id->text());
  say("to", to);
  say("from", from);
  say("sender", sender);
  say("tenant", tenant);
  say("domain", domain);
  say("class", reason);
  if (before) say("accepted before", format_rfc3339(*before));
  if (held) out += fmt::format("{}{}", out.empty() ? "" : ", ", *held ? "held" : "not held");
  if (urgency) say("priority", urgency_text(*urgency));
  return out.empty() ? "every message" : out;
}

}  // namespace godwit::queue
