#pragma once
// Well-formed UTF-8 (RFC 3629 4): no overlong form, no surrogate, nothing beyond U+10FFFF. Pure functions, any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace godwit {

// Bytes of the character at the front of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text);
// The code point of a character whose utf8_length() is `length`.
std::uint32_t utf8_code_point(std::string_view text, std::size_t length);
// `code_point` is at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code_point);

bool is_utf8(std::string_view text);
// C0, DEL and C1.
constexpr bool is_control(std::uint32_t code_point) { return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0); }

}  // namespace godwit
