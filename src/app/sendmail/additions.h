#pragma once
// What sendmail adds to a message by itself: who calls it, and the header fields that are missing.

#include <cstdint>
#include <string>

#include "grammar/message/header.h"

namespace godwit::sendmail {

// The real user, whatever the environment says.
struct Caller {
  std::string login;
  std::string full_name;  // "" when there is none that can stand in a header
};
Caller find_caller();

// What goes in front of a message of `size` bytes: Date and Message-ID where it has none (RFC 6409 8.2, 8.3), and the empty line if it has
// no header at all. Added here and not by the server, which may see the message much later, and perhaps twice.
std::string missing_head(const message::HeaderSummary& header, std::uint64_t size, const std::string& hostname);

}  // namespace godwit::sendmail
