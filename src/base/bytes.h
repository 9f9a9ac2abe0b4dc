#pragma once
// Sizes and times as text, and big-endian numbers in keys. Bytes themselves are std::string and std::string_view.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace godwit {

// Big-endian, so that the order of the bytes is the order of the numbers.
void append_be16(std::string& out, std::uint16_t value);
void append_be32(std::string& out, std::uint32_t value);
void append_be64(std::string& out, std::uint64_t value);
std::uint16_t read_be16(std::string_view bytes);  // the first 2, 4, 8 bytes; GODWIT_CHECKs the length
std::uint32_t read_be32(std::string_view bytes);
std::uint64_t read_be64(std::string_view bytes);

// The smallest key that is greater than every key that begins with `prefix`; empty if there is none.
std::string prefix_end(std::string_view prefix);

// ASCII alone, whatever the locale.
char ascii_lower(char c);
std::string ascii_lower(std::string_view text);
bool ascii_iequals(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);  // spaces and tabs

}  // namespace godwit
