#pragma once
// Where answers come from when the cache has none. Internal to dns; UnboundUpstream and the tests' own.

#include <functional>

#include "edge/dns/record.h"

namespace godwit::dns {

class Upstream {
 public:
  using Done = std::move_only_function<void(Response)>;

  // Nothing is called any more once it returned; lookups that had not ended are dropped.
  virtual ~Upstream() = default;

  // Begins a lookup and calls `done` once, at once or later, on any thread. It may take as long as it likes: time-outs are
  // the asker's. A second start of a question that has not ended drops the first.
  virtual void start(Question question, Done done) = 0;
};

}  // namespace godwit::dns
