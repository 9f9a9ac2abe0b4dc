#include "edge/net/loop.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>

#include "base/thread_name.h"

namespace godwit::net {
namespace {

constexpr std::size_t kNoLoop = static_cast<std::size_t>(-1);
thread_local std::size_t current_loop = kNoLoop;

// The hint 1 says that one thread alone runs it.
class Loop final : public boost::asio::io_context {
 public:
  Loop() : io_context(1), work_(get_executor()) {}
  ~Loop() { end(); }

  void start(std::size_t index) {
    thread_ = std::thread([this, index] {
      current_loop = index;
      name_this_thread(("loop-" + std::to_string(index)).c_str());
      run();
    });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  // Destroys what is left, coroutines included, while the context itself still stands.
  void end() { shutdown(); }

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace

struct LoopPool::Impl {
  std::vector<std::unique_ptr<Loop>> loops;
  std::atomic<std::size_t> next{0};
};

LoopPool::LoopPool(std::size_t loops) : impl_(std::make_unique<Impl>()) {
  if (loops == 0) loops = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < loops; ++i) impl_->loops.push_back(std::make_unique<Loop>());
}

// All loops end before the first is destroyed: what waits in one may hold executors of another.
LoopPool::~LoopPool() {
  stop();
  for (auto& loop : impl_->loops) loop->end();
}

std::size_t LoopPool::size() const { return impl_->loops.size(); }

Executor LoopPool::executor(std::size_t loop) const { return impl_->loops.at(loop)->get_executor(); }

std::size_t LoopPool::current() const {
  GODWIT_CHECK(current_loop < size());
  return current_loop;
}

void LoopPool::run() {
  for (std::size_t i = 0; i < size(); ++i) impl_->loops[i]->start(i);
}

void LoopPool::stop() {
  GODWIT_CHECK(current_loop == kNoLoop);
  for (auto& loop : impl_->loops) post(loop->get_executor(), [raw = loop.get()] { raw->stop(); });
  for (auto& loop : impl_->loops) loop->join();
}

std::size_t LoopPool::deal() { return impl_->next.fetch_add(1, std::memory_order_relaxed) % size(); }

std::size_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace godwit::net
