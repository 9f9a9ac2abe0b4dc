// The From field of a message that came without one.

#include <algorithm>

#include "base/encoding.h"
#include "frontend/submitd/handover.h"

namespace godwit::submitd {
namespace {

constexpr std::size_t kMaxName = 200;
constexpr std::size_t kWordBytes = 42;  // RFC 2047 2: an encoded word has at most 75 characters

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view(" !#$%&'*+-/=?^_`{|}~").contains(c);
}

// RFC 5322 3.2.4
std::string quote(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Words are cut between characters, RFC 2047 5.
std::string encode_words(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    std::size_t size = std::min(name.size(), kWordBytes);
    while (size < name.size() && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64_encode(name.substr(0, size)) + "?=";
    name.remove_prefix(size);
  }
  return out;
}

}  // namespace

std::string format_author(std::string_view name, const smtp::Address& address) {
  if (name.empty() || name.size() > kMaxName || !smtp::is_clean_utf8(name)) return "From: " + address.text() + "\r\n";
  const std::string phrase = !is_ascii(name) ? encode_words(name) : std::ranges::all_of(name, is_plain) ? std::string(name) : quote(name);
  const std::string angle = "<" + address.text() + ">\r\n";
  const bool fits = phrase.size() + angle.size() < 70 && phrase.find('\r') == std::string::npos;  // RFC 5322 2.1.1
  return "From: " + phrase + (fits ? " " : "\r\n ") + angle;
}

}  // namespace godwit::submitd
