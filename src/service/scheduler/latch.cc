#include "service/scheduler/latch.h"

#include <algorithm>
#include <memory>

namespace godwit::scheduler {
namespace {

struct Shared {
  std::size_t next = 0;
  std::size_t count = 0;
  std::function<Task<>(std::size_t)> work;
  Latch latch;
};

// Counts one down however its coroutine ends.
class Done {
 public:
  explicit Done(Latch& latch) : latch_(latch) {}
  ~Done() { latch_.done(); }
  Done(const Done&) = delete;
  Done& operator=(const Done&) = delete;

 private:
  Latch& latch_;
};

Task<> run_worker(std::shared_ptr<Shared> shared) {
  const Done done(shared->latch);
  while (shared->next < shared->count) {
    const std::size_t index = shared->next++;
    co_await shared->work(index);
  }
}

// The timer dies before the latch may: it is not woken once its waiter is gone, however that came.
class Lent {
 public:
  Lent(Timer*& place, Timer& timer) : place_(place) { place_ = &timer; }
  ~Lent() { place_ = nullptr; }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  Timer*& place_;
};

}  // namespace

Task<bool> Latch::wait_until(Timer& timer, SteadyTime when) {
  if (pending_ == 0) co_return true;
  const Lent lent(timer_, timer);
  co_await timer.wait_until(when);
  co_return pending_ == 0;
}

Task<> run_bounded(net::TaskGroup& tasks, std::size_t count, std::size_t at_once, std::function<Task<>(std::size_t)> work) {
  if (count == 0) co_return;
  if (count == 1) {
    co_await work(0);
    co_return;
  }
  auto executor = co_await this_executor();
  auto shared = std::make_shared<Shared>();
  shared->count = count;
  shared->work = std::move(work);
  const std::size_t workers = std::min(count, at_once);
  shared->latch.add(workers);
  for (std::size_t i = 0; i < workers; ++i) net::spawn(executor, tasks, "worker", run_worker(shared));
  co_await shared->latch.wait();
}

}  // namespace godwit::scheduler
