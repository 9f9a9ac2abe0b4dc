#pragma once
// Drops the `delivered` rows of local deliveries once the queue's record of them is on stable storage: one sync for all that
// came together in a second, then their erasure. What a crash leaves behind does no harm. One loop.

#include <memory>
#include <vector>

#include "service/scheduler/round.h"

namespace godwit::scheduler {

class Forgetter {
 public:
  explicit Forgetter(const Context& context);

  // The queue has recorded them (lazily).
  void add(std::vector<Delivered> delivered);
  Task<> run();   // until finish() and nothing is left
  void finish();  // no more waiting: what is there, and what is still added, goes at once
  bool idle() const { return pending_.empty() && !working_; }

 private:
  Task<> forget(std::vector<Delivered> batch);
  Task<> forget_one(const Delivered& delivered);

  const Context& context_;
  std::unique_ptr<Timer> timer_;
  std::vector<Delivered> pending_;
  bool working_ = false;
  bool finishing_ = false;
};

}  // namespace godwit::scheduler
