#pragma once
// i;unicode-casemap (RFC 5051), the collation of SEARCH, SORT and THREAD: two texts are the same if their casemaps are the same bytes, one
// is in the other if its casemap is, and texts sort as the bytes of their casemaps do. Pure functions, any thread.

#include <string>
#include <string_view>

namespace godwit::message {

// RFC 5051 2: simple titlecase, then full compatibility decomposition (Hangul too), of each character. ASCII takes no time to speak of.
// Bytes that are no UTF-8 stay as they are.
std::string casemap(std::string_view utf8);
// The same, appended.
void append_casemap(std::string& out, std::string_view utf8);

}  // namespace godwit::message
