#pragma once
// What happened in a run, line by line, with its simulated time: printed when asked for, and always hashed. The same seed must give the
// same hash, byte for byte; anything that reads a real clock, an address or an unordered container's order changes it.

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "sim_clock.h"

namespace godwit::simulation {

class Journal {
 public:
  Journal(const SimClock& clock, bool print) : clock_(clock), print_(print) {}

  void add(std::string_view line) {
    ++lines_;
    const auto time = static_cast<std::uint64_t>(clock_.steady().time_since_epoch().count());
    for (int i = 0; i < 64; i += 8) mix(static_cast<std::uint8_t>(time >> i));
    for (const char c : line) mix(static_cast<std::uint8_t>(c));
    mix('\n');
    if (!print_) return;
    fmt::print("{} {}\n", format_rfc3339(clock_.now()), line);
    std::fflush(stdout);
  }

  // A broken invariant: the run goes on, so that what follows from it is seen too.
  void violation(std::string what) {
    add("VIOLATION " + what);
    if (violations_.size() < kMostViolations) violations_.push_back(fmt::format("{} {}", format_rfc3339(clock_.now()), what));
  }

  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t lines() const { return lines_; }

 private:
  static constexpr std::size_t kMostViolations = 20;

  void mix(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }  // FNV-1a

  const SimClock& clock_;
  const bool print_;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
  std::uint64_t lines_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace godwit::simulation
