#pragma once
// Encoded words in header fields (RFC 2047, with the language of RFC 2231 5) to UTF-8. Pure functions, any thread.
//
// Adjacent words of one charset are joined before the charset is decoded: senders cut characters in two. White space between words
// goes (6.2), line ends of folding go. A broken word (no end, neither B nor Q, no base64, "=" without two digits) stays as it is.

#include <string>
#include <string_view>

namespace godwit::message {

// The text of an unstructured field, of a phrase or a comment. The result is well-formed UTF-8 without CR, LF and NUL: those that
// a word carried become spaces; stray bytes that are no UTF-8 become U+FFFD. Linear in time; at most 4 bytes for each given.
std::string decode_words(std::string_view text);

}  // namespace godwit::message
