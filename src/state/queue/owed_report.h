#pragma once
// Recipients that are done but for the report that is owed to the sender: their mail has arrived and he asked to be told
// (NOTIFY=SUCCESS, RFC 3461 4.1), or it was refused for good, and the report could not be kept yet (a full disk). They stay pending, with
// that outcome: so the message stays in the queue until its report is durable, and no delivery is tried again. Pure functions of values.

#include <string>

#include "state/queue/message.h"

namespace godwit::queue {

inline bool owes_report(const Recipient& recipient) {
  return recipient.state == Recipient::State::pending && recipient.attempts > 0 && recipient.last.kind != Outcome::Kind::deferred;
}

// RFC 3461 5.2.7.3 (c): beside the addresses that `alias` stands for, a recipient that is done but for the report "expanded".
inline Recipient expanded_alias(const smtp::Address& alias, const Recipient& model, std::size_t targets) {
  Recipient expanded = model;
  expanded.address = alias;
  expanded.original.clear();
  expanded.state = Recipient::State::pending;
  expanded.attempts = 1;
  expanded.next_attempt = {};
  expanded.last = Outcome();
  expanded.last.kind = Outcome::Kind::delivered;
  expanded.last.status = {2, 1, 5};
  expanded.last.text = "an alias, passed on to " + std::to_string(targets) + (targets == 1 ? " address" : " addresses");
  expanded.last.remote = "local";
  expanded.last.success = Outcome::Success::expanded;
  return expanded;
}

}  // namespace godwit::queue
