#pragma once
// Tenants whose mail is kept back for a while, as a server said something of them that their next message cannot better. Any thread: asking
// costs one relaxed atomic while nobody is stopped.

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "state/queue/outcome.h"

namespace godwit::outbound {

class TenantStops {
 public:
  struct Stop {
    SteadyTime until{};
    std::string why;  // "mx.test [192.0.2.1]:25: 550 5.7.1 ..."
  };

  // true: it was not stopped before.
  bool stop(const std::string& tenant, Duration length, std::string why, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(stops_, [&](const auto& entry) { return entry.second.until <= now; });
    any_.store(true, std::memory_order_relaxed);
    return stops_.insert_or_assign(tenant, Stop{now + length, std::move(why)}).second;
  }
  std::optional<Stop> find(const std::string& tenant, SteadyTime now) const {
    if (!any_.load(std::memory_order_relaxed)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto found = stops_.find(tenant);
    if (found == stops_.end() || found->second.until <= now) return std::nullopt;
    return found->second;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    stops_.clear();
    any_.store(false, std::memory_order_relaxed);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Stop> stops_;
  std::atomic<bool> any_{false};
};

// What becomes of their messages meanwhile: they wait, without an attempt used up.
queue::Outcome kept_back(const std::string& tenant, const TenantStops::Stop& stop, SteadyTime now);

}  // namespace godwit::outbound
