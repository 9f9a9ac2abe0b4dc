#include "edge/dns/name.h"

#include <fmt/format.h>

#include <iterator>

#include "base/bytes.h"

namespace godwit::dns {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The byte at `position`, which moves behind it; RFC 1035 5.1: \DDD is a number, \c is c.
Result<char> read_escaped(std::string_view text, std::size_t& position) {
  const char c = text[position++];
  if (c != '\\') return c;
  if (position == text.size()) return fail(Error::syntax("nothing behind the backslash", position));
  if (!is_digit(text[position])) return text[position++];
  if (text.size() - position < 3 || !is_digit(text[position + 1]) || !is_digit(text[position + 2]))
    return fail(Error::syntax("a number behind a backslash has three digits", position));
  const int value = (text[position] - '0') * 100 + (text[position + 1] - '0') * 10 + (text[position + 2] - '0');
  if (value > 255) return fail(Error::syntax("a number behind a backslash is at most 255", position));
  position += 3;
  return static_cast<char>(value);
}

// One label; `position` moves behind its dot.
Result<std::string> read_label(std::string_view text, std::size_t& position) {
  const std::size_t begin = position;
  std::string label;
  while (position < text.size() && text[position] != '.') {
    GODWIT_ASSIGN(const char c, read_escaped(text, position));
    if (label.size() == kMaxLabel) return fail(Error::syntax("a label of more than 63 bytes", begin));
    label.push_back(c);
  }
  if (label.empty()) return fail(Error::syntax("an empty label", begin));
  if (position < text.size()) ++position;
  return label;
}

void append_presented(std::string& out, std::string_view label) {
  for (const char raw : label) {
    const char c = ascii_lower(raw);
    if (c == '.' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c > ' ' && c < 0x7f) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\{:03}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
}

}  // namespace

Result<std::string> name_to_wire(std::string_view text) {
  std::string wire;
  std::size_t position = text == "." ? 1 : 0;
  while (position < text.size()) {
    GODWIT_ASSIGN(const std::string label, read_label(text, position));
    wire += static_cast<char>(label.size());
    wire += label;
    if (wire.size() + 1 > kMaxName) return fail(Error::syntax("a name of more than 255 bytes", position));
  }
  wire += '\0';
  return wire;
}

Result<std::string> name_from_wire(std::string_view wire, std::size_t& position) {
  const std::size_t begin = position;
  std::string text;
  while (true) {
    if (position >= wire.size()) return fail(Error::syntax("a name without an end", position));
    const std::size_t length = static_cast<unsigned char>(wire[position]);
    // RFC 1035 4.1.4: the upper two bits mark a pointer; RFC 6891 5: the other two values are not in use
    if (length > kMaxLabel) return fail(Error::syntax("a compressed name where none may be", position));
    if (length >= wire.size() - position) return fail(Error::syntax("a label that goes on behind the end", position));
    const std::string_view label = wire.substr(position + 1, length);
    position += 1 + length;
    if (position - begin > kMaxName) return fail(Error::syntax("a name of more than 255 bytes", begin));
    if (length == 0) return text;
    if (!text.empty()) text += '.';
    append_presented(text, label);
  }
}

Result<std::string> normal_name(std::string_view text) {
  GODWIT_ASSIGN(const std::string wire, name_to_wire(text));
  std::size_t position = 0;
  return name_from_wire(wire, position);
}

std::string reverse_name(const IpAddress& address) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!address.v6) return fmt::format("{}.{}.{}.{}.in-addr.arpa", address.bytes[3], address.bytes[2], address.bytes[1], address.bytes[0]);
  std::string name;
  for (auto byte = address.bytes.rbegin(); byte != address.bytes.rend(); ++byte) {
    name += {kHex[*byte & 15], '.', kHex[*byte >> 4], '.'};
  }
  return name + "ip6.arpa";
}

}  // namespace godwit::dns
