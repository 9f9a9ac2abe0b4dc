#pragma once
// How much each user of the machine hands in: messages a minute and sessions at once. Any thread; memory is bounded by the users that
// called within the last minute.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"

namespace godwit::submitd {

class Rates {
 public:
  // One more message of this user: may it come? A full minute's worth at once, then evenly. Root (uid 0) always; 0 = no limit.
  bool take(unsigned uid, std::uint64_t per_minute, SteadyTime now);

  // A session's place, given back by the destructor; false when the user has `most` already (root never).
  class Place {
   public:
    Place(Rates& owner, unsigned uid, std::size_t most);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    explicit operator bool() const { return taken_; }

   private:
    Rates& owner_;
    unsigned uid_;
    bool taken_ = false;
  };

  std::size_t remembered() const;

 private:
  struct Bucket {
    double used = 0;  // messages that are not yet forgotten
    SteadyTime at{};
  };
  void forget_old(SteadyTime now);

  mutable std::mutex mutex_;
  std::unordered_map<unsigned, Bucket> buckets_;
  std::unordered_map<unsigned, std::size_t> sessions_;
  SteadyTime swept_{};
};

}  // namespace godwit::submitd
