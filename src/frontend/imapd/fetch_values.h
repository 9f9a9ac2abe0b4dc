#pragma once
// The values of FETCH items that MessageInfo answers, written fast: a mailbox of 10,000 messages asks for them in one command. Pure
// functions, any thread.

#include <optional>
#include <string>
#include <vector>

#include "frontend/imapd/fetch.h"

namespace godwit::imapd {

struct ValueContext {
  const mailbox::Keywords& keywords;
  const mailbox::UidSet* recent;  // null: none
  const imap::Dialect& dialect;
};

// The UIDs of messages[begin] to messages[end - 1].
std::vector<mailbox::UidRange> ranges_of(const std::vector<Numbered>& messages, std::size_t begin, std::size_t end);

// Whether append_value() knows the item.
bool is_plain(imap::FetchItem::Kind kind);
void append_value(std::string& out, imap::FetchItem::Kind kind, const mailbox::MessageInfo& message, const ValueContext& context);

// "\" 7-Feb-1994 22:43:04 +0000\"" (RFC 9051 9, date-time), in UTC; years 0 to 9999.
void append_date_time(std::string& out, WallTime time);

}  // namespace godwit::imapd
