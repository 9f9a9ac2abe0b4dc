#pragma once
// After a start: what is in the queue and whose `accepted` the stream has lost, or never got, is told again, so that each message
// whose 250 was given has its event, unless it was finished within the last second before a power cut. One loop.

#include "base/blocking_pool.h"
#include "state/events/stream.h"
#include "state/queue/queue.h"

namespace godwit::events {

// Looks at what was accepted since half a minute before the newest event and `before`, when the doors opened. Returns how many were
// told again.
Task<Result<std::size_t>> tell_accepted_again(Stream& stream, queue::Queue& queue, BlockingPool& pool, WallTime before);

}  // namespace godwit::events
