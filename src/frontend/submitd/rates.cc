#include "frontend/submitd/rates.h"

#include <algorithm>

namespace godwit::submitd {
namespace {

constexpr auto kMinute = std::chrono::minutes(1);

}  // namespace

bool Rates::take(unsigned uid, std::uint64_t per_minute, SteadyTime now) {
  if (uid == 0 || per_minute == 0) return true;
  const std::scoped_lock lock(mutex_);
  if (now - swept_ >= kMinute) forget_old(now);
  Bucket& bucket = buckets_[uid];
  const auto most = static_cast<double>(per_minute);
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - bucket.at).count();
  bucket.used = std::max(0.0, bucket.used - minutes * most);
  bucket.at = now;
  if (bucket.used + 1 > most) return false;
  bucket.used += 1;
  return true;
}

// After a minute of silence nothing of a bucket is left.
void Rates::forget_old(SteadyTime now) {
  std::erase_if(buckets_, [now](const auto& entry) { return now - entry.second.at >= kMinute; });
  swept_ = now;
}

std::size_t Rates::remembered() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

Rates::Place::Place(Rates& owner, unsigned uid, std::size_t most) : owner_(owner), uid_(uid) {
  const std::scoped_lock lock(owner_.mutex_);
  std::size_t& count = owner_.sessions_[uid];
  taken_ = uid == 0 || count < most;
  if (taken_) ++count;
}

Rates::Place::~Place() {
  if (!taken_) return;
  const std::scoped_lock lock(owner_.mutex_);
  if (--owner_.sessions_[uid_] == 0) owner_.sessions_.erase(uid_);
}

}  // namespace godwit::submitd
