#include "base/clock.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

namespace godwit {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

class SystemTimer final : public Timer {
 public:
  explicit SystemTimer(const Executor& executor) : timer_(executor) {}

  Task<bool> wait_until(SteadyTime when) override {
    if (std::exchange(woken_, false)) co_return false;
    timer_.expires_at(std::chrono::steady_clock::time_point(when));
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    auto [error] = co_await timer_.async_wait(token);
    if (std::exchange(woken_, false)) co_return false;
    co_return !error;
  }

  void wake() override {
    woken_ = true;
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  bool woken_ = false;
};

class SystemClock final : public Clock {
 public:
  WallTime now() const override { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); }
  SteadyTime steady() const override { return std::chrono::time_point_cast<milliseconds>(std::chrono::steady_clock::now()); }
  std::unique_ptr<Timer> make_timer(const Executor& executor) override { return std::make_unique<SystemTimer>(executor); }
};

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;
  unsigned weekday;
};

Civil civil(WallTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss(std::chrono::floor<std::chrono::seconds>(when) - day),
          std::chrono::weekday(day).c_encoding()};
}

}  // namespace

Task<> Clock::sleep(Duration duration) {
  auto executor = co_await this_executor();
  auto timer = make_timer(executor);
  co_await timer->wait_until(steady() + duration);
}

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

std::string format_rfc5322(WallTime time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = civil(time);
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", kDays[c.weekday], static_cast<unsigned>(c.date.day()),
                     kMonths[static_cast<unsigned>(c.date.month()) - 1], static_cast<int>(c.date.year()), c.time.hours().count(),
                     c.time.minutes().count(), c.time.seconds().count());
}

std::string format_rfc3339(WallTime time) {
  const Civil c = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(c.date.year()), static_cast<unsigned>(c.date.month()),
                     static_cast<unsigned>(c.date.day()), c.time.hours().count(), c.time.minutes().count(), c.time.seconds().count());
}

}  // namespace godwit
