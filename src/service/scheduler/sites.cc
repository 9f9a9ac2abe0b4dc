#include "service/scheduler/sites.h"

#include <algorithm>

namespace godwit::scheduler {

void Sites::job_out(const std::string& site) {
  ++loads_[site].out;
  ++out_;
}

bool Sites::job_back(const std::string& site, std::size_t window) {
  const auto found = loads_.find(site);
  Load& load = found->second;
  --load.out;
  --out_;
  if (!load.parked.empty()) return load.out <= share(window) / 2;
  if (load.out == 0) loads_.erase(found);
  return false;
}

// Never with nothing out: it is a job's return that brings parked messages back.
bool Sites::must_park(const std::string& site, std::size_t window) const {
  const auto found = loads_.find(site);
  return found != loads_.end() && found->second.out >= std::max<std::size_t>(share(window), 1) && parked_ < kMaxParked;
}

void Sites::park(const std::string& site, MessageId id) {
  loads_[site].parked.push_back(id);
  ++parked_;
}

std::vector<MessageId> Sites::unpark(std::size_t window, std::size_t limit) {
  std::vector<MessageId> ids;
  if (parked_ == 0) return ids;
  const std::size_t half = share(window) / 2;
  for (auto& [site, load] : loads_) {
    if (load.out > half) continue;
    for (std::size_t room = half - load.out + 1; room > 0 && !load.parked.empty() && ids.size() < limit; --room) {
      ids.push_back(load.parked.front());
      load.parked.pop_front();
      --parked_;
    }
  }
  return ids;
}

}  // namespace godwit::scheduler
