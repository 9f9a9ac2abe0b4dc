#pragma once
// What SORT=DISPLAY compares of an address list: RFC 5957 3 and 4. Pure function, any thread.

#include <span>
#include <string>

#include "grammar/message/envelope.h"

namespace godwit::message {

// Of the first address (RFC 5957 4; a group's begin is one: its name): the name with its encoded words decoded, else mailbox@host, else the
// mailbox. UTF-8, empty if there is none; compare casemap()s.
std::string display_name(std::span<const EnvelopeAddress> addresses);

}  // namespace godwit::message
