#pragma once
// Flags between IMAP's names and the store's bits. Pure, any thread.

#include "grammar/imap/flags.h"
#include "state/mailbox/flags.h"

namespace godwit::imapd {

inline std::uint8_t flag_bits(const imap::Flags& flags) {
  std::uint8_t bits = 0;
  if (flags.has(imap::SystemFlag::seen)) bits |= mailbox::kSeen;
  if (flags.has(imap::SystemFlag::answered)) bits |= mailbox::kAnswered;
  if (flags.has(imap::SystemFlag::flagged)) bits |= mailbox::kFlagged;
  if (flags.has(imap::SystemFlag::deleted)) bits |= mailbox::kDeleted;
  if (flags.has(imap::SystemFlag::draft)) bits |= mailbox::kDraft;
  return bits;
}

}  // namespace godwit::imapd
