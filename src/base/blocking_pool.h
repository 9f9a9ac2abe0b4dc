#pragma once
// Threads for what must not run on a loop: disk reads, argon2, RSA, big parses.
//
// Owned by the application; any thread may call it. The queue is bounded by those who use it (each has its own
// cap); the destructor finishes what is queued. With 0 threads (tests) the work runs on the calling loop.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/task.h"

namespace godwit {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `work` on a thread of the pool; the coroutine goes on on its own loop with what it returned.
  // `work` must not throw. (std::monostate in place of void.)
  template <class Work>
  Task<std::invoke_result_t<Work>> run(Work work) {
    using Value = std::invoke_result_t<Work>;
    co_return co_await suspend<Value>(
        [&](Resume<Value> resume) { submit([resume = std::move(resume), task = std::move(work)]() mutable { resume(task()); }); });
  }

  void submit(std::move_only_function<void()> work);

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<std::move_only_function<void()>> work_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace godwit
