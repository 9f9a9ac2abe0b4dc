#include "grammar/dsn/address_type.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kLongestAddress = 500;  // typed and encoded; RFC 3461 4.2 has 500 for ORCPT

std::optional<std::uint32_t> hex(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// RFC 6533 3: EmbeddedUnicodeChar "\x{HEXPOINT}"; what is not one stays as it is.
std::string decode_unitext(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("\\x{")) {
      const std::size_t close = text.find('}');
      const auto point = close != std::string_view::npos && close <= 9 ? hex(text.substr(3, close - 3)) : std::nullopt;
      if (point && *point < 0x110000 && (*point < 0xd800 || *point > 0xdfff)) {
        append_utf8(out, *point);
        text.remove_prefix(close + 1);
        continue;
      }
    }
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::string decode_xtext(std::string_view xtext) {
  std::string out;
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    if (xtext[i] != '+') {
      out += xtext[i];
      continue;
    }
    const auto value = i + 3 <= xtext.size() ? hex(xtext.substr(i + 1, 2)) : std::nullopt;
    if (!value) return std::string(xtext);
    out += static_cast<char>(*value);
    i += 2;
  }
  return out;
}

std::string typed_address(std::string_view address) {
  return (is_ascii(address) ? "rfc822; " : "utf-8; ") + one_line(address, kLongestAddress, true);
}

std::string typed_orcpt(std::string_view orcpt) {
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return "unknown; " + one_line(decode_xtext(orcpt), kLongestAddress, true);
  const std::string type = one_word(orcpt.substr(0, semicolon), 40, false);
  const std::string_view address = orcpt.substr(semicolon + 1);
  // RFC 6533 4.1: up-converted to UTF-8
  return type + "; " + one_line(ascii_iequals(type, "utf-8") ? decode_unitext(address) : decode_xtext(address), kLongestAddress, true);
}

}  // namespace godwit::dsn
