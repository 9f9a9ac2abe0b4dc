#pragma once
// Bounces and delay notices: the report of grammar/dsn about some recipients of a message, handed to intake like any other
// mail, with a null reverse path (RFC 3464 2). When report() says `sent`, it is durable in the queue.
//
// One loop; the message outlives the call. Memory: the report, at most twice dsn::kFullLimit.

#include <vector>

#include "service/scheduler/scheduler.h"

namespace godwit::scheduler {

enum class Notice : std::uint8_t { failure, delay };

enum class Reported : std::uint8_t {
  sent,
  nobody,         // nobody wants to know: the reverse path is null, or NOTIFY says so
  undeliverable,  // the sender's own address is refused for good: nothing more can be done
  try_again,      // the disk is full, the store did not answer
};

// One report for all of `recipients` (indices) that want one; the others are passed over. Events go to the message's trace.
Task<Reported> report(const Context& context, const queue::Message& message, Notice notice, std::vector<std::size_t> recipients);

}  // namespace godwit::scheduler
