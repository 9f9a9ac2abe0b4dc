#pragma once
// The UIDs of a mailbox as ranges, with message sequence numbers (RFC 9051 2.3.1.2): the n-th UID and back in logarithmic time. A mailbox
// of a million messages that nobody has weeded takes a few bytes. A value; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace godwit::mailbox {

struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const UidRange&) const = default;
};

class UidSet {
 public:
  std::uint32_t count() const;
  bool empty() const { return ranges_.empty(); }
  bool contains(std::uint32_t uid) const;
  std::uint32_t last() const { return ranges_.empty() ? 0 : ranges_.back().last; }  // 0 when empty
  // `sequence` from 1 to count(): GODWIT_CHECKed.
  std::uint32_t at(std::uint32_t sequence) const;
  // The sequence number of a UID; nothing if it is not in.
  std::optional<std::uint32_t> sequence_of(std::uint32_t uid) const;
  // How many are less than `uid`.
  std::uint32_t count_below(std::uint32_t uid) const;

  // In constant time at the end, else linear. Twice is harmless.
  void add(std::uint32_t uid);
  void add(UidRange range);  // beyond last(): GODWIT_CHECKed
  // Ascending; those that are not in are passed over. Linear in both.
  void remove(std::span<const std::uint32_t> uids);

  // The parts of `wanted` (ascending, disjoint) that are in here.
  std::vector<UidRange> intersect(std::span<const UidRange> wanted) const;
  const std::vector<UidRange>& ranges() const { return ranges_; }
  bool operator==(const UidSet& other) const { return ranges_ == other.ranges_; }

 private:
  void count_again();

  std::vector<UidRange> ranges_;       // ascending, disjoint, never touching
  std::vector<std::uint32_t> before_;  // UIDs in front of each range
};

}  // namespace godwit::mailbox
