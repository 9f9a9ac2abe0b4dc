#pragma once
// The Resolver of the running program: the cache, the joining of equal questions, and the askers' time-outs, over an Upstream.
//
// Any loop. A cached answer is returned without letting go of the loop. Askers of one question share one lookup, each with its
// own time-out; the lookup goes on when they have left, and its answer is kept for the next attempt. Destroy it on the loop of
// the Upstream, or when no loop runs; coroutines that still wait may be destroyed after it.

#include <memory>

#include "edge/dns/answer_cache.h"
#include "edge/dns/resolver.h"
#include "edge/dns/upstream.h"

namespace godwit::dns {

// Lookups under way at the Upstream, the abandoned ones too: more fail at once (cause `limit`).
inline constexpr std::size_t kMaxInFlight = 8'192;
// A lookup older than this is given up for lost, and the next asker starts another.
inline constexpr Duration kLostAfter = std::chrono::seconds(30);

class CachedResolver final : public Resolver {
 public:
  CachedResolver(std::unique_ptr<Upstream> upstream, Clock& clock, const CacheLimits& limits, std::size_t max_in_flight = kMaxInFlight);
  ~CachedResolver() override;

  Task<Response> resolve(Question question, Duration timeout) override;
  void stop() override;

  std::size_t in_flight() const;
  const AnswerCache& cache() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // a coroutine that waits holds it too
};

}  // namespace godwit::dns
