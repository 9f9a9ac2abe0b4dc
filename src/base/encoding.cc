#include "base/encoding.h"

#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace godwit {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::string_view kHex = "0123456789abcdef";

constexpr std::array<std::int8_t, 256> reverse_of(std::string_view alphabet, bool any_case) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    if (any_case && alphabet[i] >= 'a') table[static_cast<unsigned char>(alphabet[i] - 32)] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto kFromBase64 = reverse_of(kBase64, false);
constexpr auto kFromBase32 = reverse_of(kBase32, true);
constexpr auto kFromHex = reverse_of(kHex, true);

int value_of(const std::array<std::int8_t, 256>& table, char c) { return table[static_cast<unsigned char>(c)]; }

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}

std::uint32_t crc32c_table(std::string_view bytes, std::uint32_t crc) {
  static constexpr auto kTable = make_crc_table();
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes, std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    wide = _mm_crc32_u64(wide, word);
    bytes.remove_prefix(8);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (const char c : bytes) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(c));
  return narrow;
}
#endif

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= group.size() ? kBase64[bits >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return fail(Error::syntax("base64 comes in groups of four characters", text.size()));
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = k + padding >= 4 ? 0 : value_of(kFromBase64, text[i + k]);
      if (value < 0) return fail(Error::syntax("not a base64 character", i + k));
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    if (padding > 0 && (bits & ((1u << 8 * padding) - 1)) != 0) return fail(Error::syntax("base64 with stray trailing bits", i));
    for (std::size_t k = 0; k + padding < 3; ++k) out.push_back(static_cast<char>(bits >> (16 - 8 * k) & 0xff));
  }
  return out;
}

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return fail(Error::syntax("hexadecimal comes in pairs of digits", text.size()));
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = value_of(kFromHex, text[i]);
    const int low = value_of(kFromHex, text[i + 1]);
    if (high < 0 || low < 0) return fail(Error::syntax("not a hexadecimal digit", i));
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2");
  if (hardware) return ~crc32c_hardware(bytes, ~seed);
#endif
  return ~crc32c_table(bytes, ~seed);
}

std::string base32_encode(std::uint64_t value) {
  std::string out(13, '0');
  for (std::size_t i = out.size(); i-- > 0; value >>= 5) out[i] = kBase32[value & 31];
  return out;
}

Result<std::uint64_t> base32_decode(std::string_view text) {
  if (text.size() != 13) return fail(Error::syntax("expected 13 characters", text.size()));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = value_of(kFromBase32, text[i]);
    if (digit < 0 || (i == 0 && digit > 15)) return fail(Error::syntax("not a character of an id", i));
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

}  // namespace godwit
