#include "testing/test_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>

namespace godwit::testing {

namespace {

class Context : public boost::asio::io_context {  // not final: Asio derives from it to look at it
 public:
  Context() : io_context(1) {}
  void end() { shutdown(); }  // what waits in it is destroyed now
};

// A thread that posted the last completion may still be about to signal: loops of servers outlive such threads, a test's does not.
// So an ended context stays for a while.
void bury(std::unique_ptr<Context> context) {
  constexpr std::size_t kMost = 16;
  static std::mutex mutex;
  static auto* const buried = new std::deque<std::unique_ptr<Context>>;
  const std::scoped_lock lock(mutex);
  buried->push_back(std::move(context));
  if (buried->size() > kMost) buried->pop_front();
}

}  // namespace

struct TestLoop::Impl {
  ~Impl() {
    work.reset();
    context->end();
    bury(std::move(context));
  }

  std::unique_ptr<Context> context = std::make_unique<Context>();
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context->get_executor()};
};

TestLoop::TestLoop() : impl_(std::make_unique<Impl>()) {}
TestLoop::~TestLoop() = default;

Executor TestLoop::executor() const { return impl_->context->get_executor(); }

void TestLoop::poll() {
  while (impl_->context->poll() > 0) {
  }
}

void TestLoop::advance(Duration duration) {
  const WallTime until = clock_.now() + duration;
  poll();
  while (clock_.step_towards(until)) poll();
  poll();
}

void TestLoop::start(Task<> task) {
  boost::asio::co_spawn(*impl_->context, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);  // out of poll(), into the test
  });
}

void TestLoop::run_until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done()) {
    impl_->context->run_one_for(std::chrono::milliseconds(100));
    GODWIT_CHECK(std::chrono::steady_clock::now() < give_up);
  }
}

void TestLoop::run(Task<> task) {
  bool done = false;
  auto wrapped = [](Task<> inner, bool& flag) -> Task<> {
    co_await std::move(inner);
    flag = true;
  };
  start(wrapped(std::move(task), done));
  run_until([&] { return done; });
}

}  // namespace godwit::testing
