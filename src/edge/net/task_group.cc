#include "edge/net/task_group.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/result.h"

namespace godwit::net {

// Counts one coroutine in its group from spawn() until its frame is gone, however it ends: it returned, it threw,
// or the loop was destroyed under it.
class Membership {
 public:
  Membership(TaskGroup& group, std::string_view name) : group_(&group), name_(name) { group.joined(); }
  Membership(Membership&& other) noexcept : group_(std::exchange(other.group_, nullptr)), name_(std::move(other.name_)) {}
  Membership& operator=(Membership&&) = delete;
  ~Membership() {
    if (group_) group_->left();
  }

  void operator()(const std::exception_ptr& failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
      log::error("task failed", {{"task", name_}, {"error", exception.what()}});
    } catch (...) {
      log::error("task failed", {{"task", name_}, {"error", "an exception of an unknown type"}});
    }
  }

 private:
  TaskGroup* group_;
  std::string name_;
};

TaskGroup::~TaskGroup() {
  const std::lock_guard lock(mutex_);  // left() may still hold it
  GODWIT_CHECK(running() == 0);
}

void TaskGroup::joined() { running_.fetch_add(1, std::memory_order_acq_rel); }

// Under the mutex, as is the look of wait(): whoever sees 0 may destroy the group at once.
void TaskGroup::left() {
  const std::lock_guard lock(mutex_);
  if (running_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (Waiter& waiter : waiters_) {
    post(waiter.executor, [timer = std::move(waiter.timer)] { timer->wake(); });
  }
  waiters_.clear();
}

void TaskGroup::stop() {
  const std::lock_guard lock(mutex_);
  if (stopping_.exchange(true, std::memory_order_acq_rel)) return;
  call_all();
}

void TaskGroup::cut() {
  const std::lock_guard lock(mutex_);
  stopping_.store(true, std::memory_order_release);
  if (cutting_.exchange(true, std::memory_order_acq_rel)) return;
  call_all();
}

// Under the mutex.
void TaskGroup::call_all() {
  for (auto& [id, registration] : registrations_) {
    post(registration.executor, [weak = std::weak_ptr(registration.call)] {
      if (const auto call = weak.lock()) (*call)();
    });
  }
}

Task<bool> TaskGroup::wait(Clock& clock, Duration timeout) {
  auto executor = co_await this_executor();
  const SteadyTime deadline = clock.steady() + timeout;
  while (true) {
    std::shared_ptr<Timer> timer = clock.make_timer(executor);
    {
      const std::lock_guard lock(mutex_);
      if (running() == 0) co_return true;
      waiters_.push_back({executor, timer});
    }
    if (!co_await timer->wait_until(deadline)) continue;
    const std::lock_guard lock(mutex_);
    std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.timer == timer; });
    co_return running() == 0;
  }
}

TaskGroup::OnStop::OnStop(TaskGroup& group, Executor executor, std::function<void()> call) : group_(group) {
  auto shared = std::make_shared<std::function<void()>>(std::move(call));
  const std::lock_guard lock(group_.mutex_);
  id_ = group_.next_++;
  if (group_.stopping()) {
    post(executor, [weak = std::weak_ptr(shared)] {
      if (const auto held = weak.lock()) (*held)();
    });
  }
  group_.registrations_.emplace(id_, Registration{std::move(executor), std::move(shared)});
}

TaskGroup::OnStop::~OnStop() {
  const std::lock_guard lock(group_.mutex_);
  group_.registrations_.erase(id_);
}

void spawn(const Executor& executor, TaskGroup& group, std::string_view name, Task<> task) {
  boost::asio::co_spawn(executor, std::move(task), Membership(group, name));
}

}  // namespace godwit::net
