#include "service/outbound/treatment.h"

namespace godwit::outbound {
namespace {

using Kind = queue::Outcome::Kind;

bool is_our_own(const queue::Outcome& outcome) {
  return outcome.remote_reply.empty() && (outcome.remote == "local" || outcome.remote == "outbound");
}

// RFC 5321 4.2.1: a 4yz may be tried again; the operator's table says that this one is in vain.
void bounce(queue::Outcome& outcome) {
  outcome.kind = Kind::bounced;
  outcome.status.status_class = 5;
  outcome.site_down = false;
  outcome.text += ", and by our table of replies it always will";
}

}  // namespace

void treat(queue::Outcome& outcome, const ReplyClasses& classes, SiteVerdict& verdict) {
  if (outcome.kind == Kind::delivered) {
    verdict.delivered = true;
    return;
  }
  if (is_our_own(outcome) || !outcome.reply_class.empty()) return;
  const ReplyClass& found = classes.classify(outcome.remote_reply, outcome.status);
  outcome.reply_class = found.name;
  if (outcome.remote_reply.empty()) return;
  const bool deferred = outcome.kind == Kind::deferred;
  switch (found.action) {
    case Action::keep:
    case Action::other_family: break;  // Site::take_other_family()
    case Action::retry_sooner:
      if (deferred && !outcome.site_down) outcome.retry_after = found.after;  // a site that is down has its own steps
      break;
    case Action::slow_site: verdict.slow = true; break;
    case Action::suspend_source:
    case Action::rest_site:
      verdict.rest = &found;
      verdict.why = &outcome;
      break;
    case Action::stop_tenant:
      verdict.stop = &found;
      verdict.stop_why = &outcome;
      break;
    case Action::bounce:
      if (deferred && !outcome.site_down) bounce(outcome);  // otherwise nothing was said about this message
      break;
  }
}

SiteVerdict treat(std::vector<queue::Outcome>& outcomes, const ReplyClasses& classes) {
  SiteVerdict verdict;
  for (queue::Outcome& outcome : outcomes) treat(outcome, classes, verdict);
  return verdict;
}

const ReplyClasses& classes_without_table() {
  static const std::shared_ptr<const ReplyClasses> instance = *ReplyClasses::parse({});
  return *instance;
}

}  // namespace godwit::outbound
