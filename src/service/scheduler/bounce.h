#pragma once
// Bounces, delay notices and reports of success: the report of grammar/dsn about some recipients of a message, handed to intake like
// any other mail, with a null reverse path (RFC 3464 2). When report() says `sent`, it is durable in the queue.
//
// A delay notice is not sent about mail of programs and lists (RFC 3834 2: Auto-Submitted, Precedence, List-*); failures are always
// reported (RFC 5321 6.1), unless NOTIFY says otherwise. A failure that no sender can be told of (the reverse path is null, or our own
// intake refuses it for good) goes to the server's postmaster (directory::postmaster_addresses); what fails to reach him too is dropped,
// with an error in the log. NOTIFY=NEVER keeps the postmaster from hearing too, but for our own reports, which all say it.
//
// One loop; the message outlives the call. Memory: the report, at most twice dsn::kFullLimit.

#include <vector>

#include "service/scheduler/scheduler.h"

namespace godwit::scheduler {

enum class Notice : std::uint8_t {
  outcome,  // of each by its state: failed, delivered, relayed, expanded (RFC 3461 5.2)
  delay,
};

enum class Reported : std::uint8_t {
  sent,
  nobody,         // nobody wants to know (NOTIFY, an automatic message), or nobody is left to tell
  undeliverable,  // every address to tell is refused for good: nothing more can be done
  try_again,      // the disk is full, the store did not answer
};

// One report for all of `recipients` (indices) that want one; the others are passed over. Events go to the message's trace.
Task<Reported> report(const Context& context, const queue::Message& message, Notice notice, std::vector<std::size_t> recipients);

}  // namespace godwit::scheduler
