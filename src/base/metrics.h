#pragma once
// Counters and gauges for /metrics (Prometheus text). Any thread; adding costs one relaxed atomic.
//
// Names follow Prometheus practice: godwit_<module>_<what>_total for counters, base units, few label values.
// Get a metric once (a static or a member) and keep the reference: looking it up takes a lock.

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace godwit::metrics {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// The same name and labels give the same object, for the life of the process.
Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});

// Everything, in the Prometheus text format 0.0.4.
std::string expose();

}  // namespace godwit::metrics
