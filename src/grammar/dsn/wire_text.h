#pragma once
// Text from anywhere made fit for header fields and MIME parts. Pure functions, any thread.

#include <cstddef>
#include <string>
#include <string_view>

namespace godwit::dsn {

bool is_ascii(std::string_view text);

// One line: runs of white space and controls become one space, bytes that are no UTF-8 (or, without `utf8`, no ASCII) become "?".
// Longer text is cut at `most` bytes, never inside a character, and ends in "...".
std::string one_line(std::string_view text, std::size_t most, bool utf8);
// The same without any space: for what must be one token. Words over 600 bytes are cut too, so that folding always succeeds.
std::string one_word(std::string_view text, std::size_t most, bool utf8);

// "Name: value CRLF", folded at spaces (RFC 5322 2.2.3: 78 where possible). `value` comes from one_line().
void append_field(std::string& out, std::string_view name, std::string_view value);

// Subject text for a header without SMTPUTF8: RFC 2047 encoded words where it is not ASCII.
std::string encode_words(std::string_view utf8);

// RFC 2045 6.7. CRLF stays a line end; a bare CR or LF is encoded.
std::string quoted_printable(std::string_view bytes);

// Only CRLF line ends, no NUL, no line over 998 bytes, and a CRLF at the end: fit to be sent as it is.
bool is_clean(std::string_view bytes);

// Lines of at most 76 columns, broken at spaces, each begun with `indent`.
void append_wrapped(std::string& out, std::string_view indent, std::string_view text);

}  // namespace godwit::dsn
