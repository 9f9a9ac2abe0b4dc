#pragma once
// Choices of a simulated world, from a seed. Each part of it has dice of its own, so that one more throw in one part leaves the others.

#include <initializer_list>
#include <string_view>

#include "base/clock.h"
#include "testing/seeded_random.h"

namespace godwit::simulation {

class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t part) : random_(testing::SeededRandom(seed).u64() ^ testing::SeededRandom(part << 32).u64()) {}

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + random_.below(high - low + 1); }
  bool chance(unsigned percent) { return random_.below(100) < percent; }
  Duration between(Duration low, Duration high) {
    return Duration(static_cast<Duration::rep>(between(static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count()))));
  }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return *(all.begin() + random_.below(all.size()));
  }
  Random& random() { return random_; }

 private:
  testing::SeededRandom random_;
};

}  // namespace godwit::simulation
