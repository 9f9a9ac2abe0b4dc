#pragma once
// A hash table of numbers alone: what they stand for lies elsewhere, and the caller says what it hashes to and which one is meant.
// 4 bytes for each place, 5 to 11 for each number. In 256 parts that grow one by one, so that no growth takes long. One loop.

#include <array>
#include <cstdint>
#include <vector>

namespace godwit::queue {

class IndexTable {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  // Well mixed bits of a number.
  static constexpr std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdu;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53u;
    return value ^ value >> 33;
  }

  template <class IsIt>
  Index find(std::uint64_t hash, const IsIt& is_it) const {
    const Part& part = parts_[hash >> 56];
    if (part.places.empty()) return kNone;
    const std::size_t mask = part.places.size() - 1;
    for (std::size_t at = hash & mask; part.places[at] != kNone; at = (at + 1) & mask)
      if (is_it(part.places[at])) return part.places[at];
    return kNone;
  }

  // `index` is new. `hash_of` gives the hash of any that is in here.
  template <class HashOf>
  void enter(std::uint64_t hash, Index index, const HashOf& hash_of) {
    Part& part = parts_[hash >> 56];
    if ((part.used + 1) * 4 > part.places.size() * 3) grow(part, hash_of);
    place(part, hash, index);
    ++part.used;
  }

  // `index` is in here. Those behind it move up, so that no grave is left.
  template <class HashOf>
  void erase(std::uint64_t hash, Index index, const HashOf& hash_of) {
    Part& part = parts_[hash >> 56];
    const std::size_t mask = part.places.size() - 1;
    std::size_t hole = hash & mask;
    while (part.places[hole] != index) hole = (hole + 1) & mask;
    for (std::size_t at = (hole + 1) & mask; part.places[at] != kNone; at = (at + 1) & mask) {
      const std::size_t home = hash_of(part.places[at]) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      part.places[hole] = part.places[at];
      hole = at;
    }
    part.places[hole] = kNone;
    --part.used;
  }

  std::size_t bytes() const {
    std::size_t sum = sizeof *this;
    for (const Part& part : parts_) sum += part.places.capacity() * sizeof(Index);
    return sum;
  }

 private:
  struct Part {
    std::vector<Index> places;  // a power of two
    std::size_t used = 0;
  };

  static void place(Part& part, std::uint64_t hash, Index index) {
    const std::size_t mask = part.places.size() - 1;
    std::size_t at = hash & mask;
    while (part.places[at] != kNone) at = (at + 1) & mask;
    part.places[at] = index;
  }

  template <class HashOf>
  static void grow(Part& part, const HashOf& hash_of) {
    std::vector<Index> before = std::move(part.places);
    part.places.assign(before.empty() ? 8 : before.size() * 2, kNone);
    for (const Index index : before)
      if (index != kNone) place(part, hash_of(index), index);
  }

  std::array<Part, 256> parts_;
};

}  // namespace godwit::queue
