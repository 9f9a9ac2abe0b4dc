#pragma once
// The same numbers for the same seed, everywhere (splitmix64).

#include "base/random.h"

namespace godwit::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> into) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < into.size(); ++i) {
      if (i % 8 == 0) word = next();
      into[i] = static_cast<std::uint8_t>(word >> 8 * (i % 8));
    }
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

}  // namespace godwit::testing
