#include "service/scheduler/forget.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"

namespace godwit::scheduler {
namespace {

constexpr Duration kGather = std::chrono::seconds(1);
constexpr Duration kIdle = std::chrono::hours(24);
constexpr std::size_t kAtOnce = 32;

}  // namespace

Forgetter::Forgetter(const Context& context) : context_(context), timer_(context.clock.make_timer(context.executor)) {}

void Forgetter::add(std::vector<Delivered> delivered) {
  if (delivered.empty()) return;
  const bool was_empty = pending_.empty();
  std::ranges::move(delivered, std::back_inserter(pending_));
  if (was_empty && !working_) timer_->wake();
}

void Forgetter::finish() {
  finishing_ = true;
  timer_->wake();
}

Task<> Forgetter::run() {
  while (!finishing_ || !pending_.empty()) {
    if (pending_.empty()) {
      co_await timer_->wait_until(context_.clock.steady() + kIdle);
      continue;
    }
    if (!finishing_) co_await timer_->wait_until(context_.clock.steady() + kGather);
    working_ = true;
    co_await forget(std::exchange(pending_, {}));
    working_ = false;
  }
}

Task<> Forgetter::forget(std::vector<Delivered> batch) {
  const auto synced = co_await context_.queue.sync();
  if (!synced) {
    log::warning("completions not synced", {{"error", synced.error().text}});
    co_return;  // the rows stay: a delivery that is done again finds them
  }
  std::function<Task<>(std::size_t)> one = [&](std::size_t i) { return forget_one(batch[i]); };
  co_await run_bounded(context_.tasks, batch.size(), kAtOnce, std::move(one));
}

Task<> Forgetter::forget_one(const Delivered& delivered) {
  co_await context_.mailboxes.forget_delivery(delivered.account, delivered.message, delivered.recipient);
}

}  // namespace godwit::scheduler
