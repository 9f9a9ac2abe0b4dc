// The snapshot: messages by number.

#include <fmt/format.h>

#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

Listed* Session::find_message(std::uint32_t number) {
  if (number == 0 || number > messages_.size()) {
    err(text::kNoSuchMessage);
    return nullptr;
  }
  Listed& message = messages_[number - 1];
  if (!message.deleted) return &message;
  err(text::kDeleted);
  return nullptr;
}

// RFC 1939 7: unique, kept across sessions, 1 to 70 characters of %x21-7E. UIDVALIDITY and UID as IMAP names them.
std::string Session::unique_id(const Listed& message) const { return fmt::format("{:08x}{:08x}", uid_validity_, message.uid); }

// RFC 1939 5: messages marked as deleted are not counted in either total.
Session::Totals Session::totals() const {
  Totals sum;
  for (const auto& each : messages_) {
    if (each.deleted) continue;
    ++sum.messages;
    sum.octets += each.size;
  }
  return sum;
}

}  // namespace godwit::pop3d
