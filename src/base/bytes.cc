#include "base/bytes.h"

#include <algorithm>

namespace godwit {
namespace {

template <class T>
void append_be(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)) & 0xff);
  out.append(bytes, sizeof bytes);
}

template <class T>
T read_be(std::string_view bytes) {
  GODWIT_CHECK(bytes.size() >= sizeof(T));
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

}  // namespace

void append_be16(std::string& out, std::uint16_t value) { append_be(out, value); }
void append_be32(std::string& out, std::uint32_t value) { append_be(out, value); }
void append_be64(std::string& out, std::uint64_t value) { append_be(out, value); }
std::uint16_t read_be16(std::string_view bytes) { return read_be<std::uint16_t>(bytes); }
std::uint32_t read_be32(std::string_view bytes) { return read_be<std::uint32_t>(bytes); }
std::uint64_t read_be64(std::string_view bytes) { return read_be<std::uint64_t>(bytes); }

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) != 0xff) {
      end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

bool ascii_iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace godwit
