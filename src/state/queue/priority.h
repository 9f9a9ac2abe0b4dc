#pragma once
// A message's priority: -9 to 9, 0 unless somebody says otherwise (RFC 6710 5), and the three levels that are told apart here.
//
// Message::priority keeps it in one byte, in two's complement: 0 is 0, 6 is 6, -4 is 252. on disk: do not change (record.proto)

#include <algorithm>
#include <cstdint>

namespace godwit::queue {

inline constexpr int kLowestPriority = -9;
inline constexpr int kHighestPriority = 9;

constexpr std::uint8_t keep_priority(int priority) {
  return static_cast<std::uint8_t>(static_cast<std::int8_t>(std::clamp(priority, kLowestPriority, kHighestPriority)));
}
constexpr int priority_of(std::uint8_t kept) { return static_cast<std::int8_t>(kept); }

// RFC 6710 Appendix B: non-urgent (-4), normal (0), urgent (4). RFC 6710 5: whatever is in between counts as the next higher one.
enum class Urgency : std::uint8_t { urgent, normal, non_urgent };

constexpr Urgency urgency_of(std::uint8_t kept) {
  const int priority = priority_of(kept);
  return priority > 0 ? Urgency::urgent : priority > -4 ? Urgency::normal : Urgency::non_urgent;
}

}  // namespace godwit::queue
