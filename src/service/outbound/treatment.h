#pragma once
// What refusals mean for their recipients and for the site: classes and their actions applied to outcomes. Pure.

#include <memory>
#include <vector>

#include "service/outbound/reply_class.h"
#include "state/queue/outcome.h"

namespace godwit::outbound {

struct SiteVerdict {
  bool delivered = false;               // it took somebody's mail
  bool slow = false;                    // it asked for less
  const ReplyClass* rest = nullptr;     // it does not want us (suspend_source, rest_site);
  const queue::Outcome* why = nullptr;  // so it said in this one of the outcomes
  const ReplyClass* stop = nullptr;     // nor anything of the message's tenant;
  const queue::Outcome* stop_why = nullptr;
};

// Names the class of each outcome that is no delivery. What the peer itself said is also treated by the class's action: a 4yz
// bounces (the status becomes 5.y.z), or is tried again after a time of its own. What we decided ourselves stays without a class, and what
// has one is as it shall be.
// `classes` must outlive the verdict.
SiteVerdict treat(std::vector<queue::Outcome>& outcomes, const ReplyClasses& classes);
void treat(queue::Outcome& outcome, const ReplyClasses& classes, SiteVerdict& verdict);

// Without a table: classes by status alone, and no actions.
const ReplyClasses& classes_without_table();

}  // namespace godwit::outbound
