#pragma once
// RFC 5256 2.2: when a message was sent, in UTC; its internal date where it does not say, or says it so that nobody can read it.

#include "state/mailbox/details.h"

namespace godwit::imapd {

// `details` (with the envelope) may be null.
std::chrono::sys_seconds sent_date(const mailbox::MessageInfo& info, const mailbox::Details* details);

}  // namespace godwit::imapd
