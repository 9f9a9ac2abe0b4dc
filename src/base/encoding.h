#pragma once
// base64, hex and CRC-32C. Pure functions, any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

std::string base64_encode(std::string_view bytes);  // RFC 4648 4, with padding, no line breaks
// Strict: padding required, no white space, no bytes outside the alphabet, zero trailing bits.
Result<std::string> base64_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);

// CRC-32C (Castagnoli), with the processor's instruction where it has one. `seed` is the value of the bytes before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// 13 characters of Crockford's base32 (0-9 a-z without i l o u), most significant first: sorts as the number does.
std::string base32_encode(std::uint64_t value);
Result<std::uint64_t> base32_decode(std::string_view text);  // also upper case

}  // namespace godwit
