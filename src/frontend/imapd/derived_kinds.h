#pragma once
// The numbers of our derivations (mailbox::Derivation::kind) in one place, so that none is given twice.

#include <cstdint>

namespace godwit::imapd {

inline constexpr std::uint8_t kDerivedHeading = 1;
inline constexpr std::uint8_t kDerivedAddresses = 2;
inline constexpr std::uint8_t kDerivedStructure = 8;  // and the three bits behind it: how it is written

}  // namespace godwit::imapd
