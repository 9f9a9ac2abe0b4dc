#include "edge/net/deadline.h"

#include <algorithm>
#include <boost/asio/execution/context_as.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

namespace godwit::net {
namespace {

using std::chrono::steady_clock;

constexpr auto kTick = std::chrono::seconds(1);
constexpr Duration kForever = std::chrono::hours(24 * 365);

// The head of the circular list.
class Head final : public Deadline {
  void expire() override {}
};

}  // namespace

Deadline::~Deadline() {
  if (previous_ && previous_ != this) Sweeper::remove(*this);
}

void Sweeper::insert(Deadline& list, Deadline& deadline, steady_clock::time_point when) {
  if (!list.previous_) list.previous_ = list.next_ = &list;
  deadline.when_ = when;
  deadline.previous_ = list.previous_;
  deadline.next_ = &list;
  list.previous_->next_ = &deadline;
  list.previous_ = &deadline;
}

void Sweeper::remove(Deadline& deadline) {
  deadline.previous_->next_ = deadline.next_;
  deadline.next_->previous_ = deadline.previous_;
  deadline.previous_ = deadline.next_ = nullptr;
}

namespace {

class LoopSweeper final : public boost::asio::execution_context::service, public Sweeper {
 public:
  static inline boost::asio::execution_context::id id;

  explicit LoopSweeper(boost::asio::execution_context& context)
      : service(context), timer_(std::in_place, static_cast<boost::asio::io_context&>(context)) {}

  void add(Deadline& deadline, Duration timeout) override {
    const auto now = steady_clock::now();
    const auto when = now + std::min(timeout, kForever);
    insert(list_, deadline, when);
    if (tick_ == kNever || when < tick_) arm(std::min(when, now + kTick));
  }

 private:
  static constexpr auto kNever = steady_clock::time_point::min();

  void shutdown() override { timer_.reset(); }

  void arm(steady_clock::time_point when) {
    if (!timer_) return;  // the loop is ending
    tick_ = when;
    timer_->expires_at(when);
    timer_->async_wait([this](const boost::system::error_code& error) {
      if (!error) sweep();
    });
  }

  void sweep() {
    const auto now = steady_clock::now();
    auto soonest = now + kTick;
    for (Deadline* deadline = next(list_); deadline != &list_;) {
      Deadline* const current = deadline;
      deadline = next(*current);
      if (when(*current) > now) {
        soonest = std::min(soonest, when(*current));
        continue;
      }
      remove(*current);
      expire(*current);
    }
    tick_ = kNever;
    if (next(list_) != &list_) arm(soonest);
  }

  Head list_;
  std::optional<boost::asio::steady_timer> timer_;
  steady_clock::time_point tick_ = kNever;
};

}  // namespace

Sweeper& Sweeper::of(const Executor& executor) {
  auto& context = boost::asio::query(executor, boost::asio::execution::context_as<boost::asio::execution_context&>);
  return boost::asio::use_service<LoopSweeper>(context);
}

}  // namespace godwit::net
