#pragma once
// What responses are made of: strings, flags, dates, sets, response codes (RFC 9051 7, 9). Functions append to `out`; the session puts
// responses together. Pure functions, any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "grammar/imap/date.h"
#include "grammar/imap/dialect.h"
#include "grammar/imap/fetch_item.h"
#include "grammar/imap/flags.h"
#include "grammar/imap/sequence_set.h"

namespace godwit::imap {

// `string`: quoted where the dialect lets it be, a literal otherwise. NUL, which no string can hold, becomes U+FFFD.
void append_string(std::string& out, std::string_view text, const Dialect& dialect);
// `nstring`: nothing is NIL.
void append_nstring(std::string& out, std::optional<std::string_view> text, const Dialect& dialect);
// `astring`: an atom where it may be one, else as append_string.
void append_astring(std::string& out, std::string_view text, const Dialect& dialect);
// A mailbox name in UTF-8, as the dialect writes it.
void append_mailbox(std::string& out, std::string_view name, const Dialect& dialect);

// "{5}" CRLF or "~{5}" CRLF: the bytes follow. A literal has no NUL in it; a literal8 (`binary`) may (RFC 3516 4.3).
void append_literal_head(std::string& out, std::uint64_t size, bool binary = false);

void append_flags(std::string& out, const Flags& flags);                       // "(\Seen $Forwarded)"
void append_date_time(std::string& out, const std::optional<DateTime>& date);  // in quotes; nothing is NIL (RFC 8514 4)

// The name of a FETCH item in its response: "BODY[1.HEADER.FIELDS (From To)]<0>", "BINARY.SIZE[2]", "RFC822.SIZE". Never ".PEEK";
// behind a partial stands the offset alone (RFC 9051 7.5.2).
void append_item_name(std::string& out, const FetchItem& item, const Dialect& dialect);
// The same as a client would write it, for the log and for tests: with .PEEK, the whole partial, (LAZY).
std::string to_string(const FetchItem& item, const Dialect& dialect = {});

// Response codes, each with its brackets and a blank behind: "[UIDNEXT 5] ".
void append_code(std::string& out, std::string_view code);  // "[READ-ONLY] "
void append_code(std::string& out, std::string_view code, std::uint64_t number);
void append_code(std::string& out, std::string_view code, const NumberSet& set);  // MODIFIED
// `any` adds "\*": the client may make keywords (RFC 9051 7.1)
void append_permanent_flags_code(std::string& out, const Flags& flags, bool any);
void append_append_uid_code(std::string& out, std::uint32_t uid_validity, const NumberSet& uids);
// Both sets have as many UIDs, the n-th of one being the n-th of the other (RFC 4315 3).
void append_copy_uid_code(std::string& out, std::uint32_t uid_validity, const NumberSet& from, const NumberSet& to);
void append_bad_charset_code(std::string& out, std::span<const std::string_view> charsets);

// `text` of a response: no line ends, no NUL, ASCII unless the dialect has UTF-8 (others become "?"); never empty; and no "[" in front,
// which would begin a code.
void append_text(std::string& out, std::string_view text, const Dialect& dialect);

}  // namespace godwit::imap
