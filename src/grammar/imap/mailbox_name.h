#pragma once
// Names of mailboxes: RFC 9051 5.1, modified UTF-7 of RFC 3501 5.1.3, UTF-8 of RFC 6855 3. Pure functions, any thread.
//
// Inside the server a name is UTF-8 with "/" between its levels, never normalised (what was created is what is listed), and INBOX is
// written in capitals, also as the first level. What is on the wire depends on the dialect.

#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/imap/dialect.h"

namespace godwit::imap {

inline constexpr char kDelimiter = '/';

// Strict, so that each name has one spelling: base64 only where it must be, shifts not doubled, bits behind the end zero.
Result<std::string> decode_utf7(std::string_view wire);
// `name` is well-formed UTF-8.
std::string encode_utf7(std::string_view name);

// What a client means by a name or a LIST pattern. At most kMaxMailboxName bytes, no controls; may be empty.
// Errors are `denied` with the position: such a name cannot be (NO rather than BAD).
Result<std::string> read_mailbox_name(std::string_view wire, const Dialect& dialect);
std::string write_mailbox_name(std::string_view name, const Dialect& dialect);

// A name that CREATE and RENAME may make: no empty level, no wildcards, at most kMaxMailboxDepth levels. One delimiter at the end is
// taken off (RFC 9051 6.3.4: it only says that children will come). Errors: `denied`.
Result<std::string> check_new_mailbox(std::string_view name);

bool is_inbox(std::string_view name);

}  // namespace godwit::imap
