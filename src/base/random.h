#pragma once
// Randomness, passed in so that a test can repeat a run. Any thread.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace godwit {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> into) = 0;

  std::uint64_t u64();
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound), bound > 0
  std::string text(std::size_t length);      // of [a-z2-9] without look-alikes: passwords, boundaries, tokens
};

// The operating system's generator, fit for secrets.
std::unique_ptr<Random> make_system_random();

}  // namespace godwit
