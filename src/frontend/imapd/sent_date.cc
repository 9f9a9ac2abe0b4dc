#include "frontend/imapd/sent_date.h"

#include "grammar/message/date.h"

namespace godwit::imapd {

std::chrono::sys_seconds sent_date(const mailbox::MessageInfo& info, const mailbox::Details* details) {
  if (details && details->envelope.date) {
    const auto date = message::parse_date(*details->envelope.date);
    if (date) return date->time;
  }
  return std::chrono::floor<std::chrono::seconds>(info.received);
}

}  // namespace godwit::imapd
