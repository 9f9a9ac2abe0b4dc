#include "grammar/dsn/wire_text.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/utf8.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kFoldColumn = 76;
constexpr std::size_t kLongestWord = 600;  // well below the 998 of RFC 5322 2.1.1 with any field name in front
constexpr std::size_t kLongestLine = 998;

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool is_space_or_control(unsigned char c) { return c <= ' ' || c == 0x7f; }

// One pass for one_line and one_word: `gap` stands for white space.
std::string squeeze(std::string_view text, std::size_t most, bool utf8, std::string_view gap) {
  std::string out;
  bool pending = false;
  std::size_t word = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (is_space_or_control(byte_at(text, i))) {
      pending = !out.empty();
      ++i;
      continue;
    }
    const std::size_t length = utf8_length(text.substr(i));
    const std::string_view piece = length == 0 || (length > 1 && !utf8) ? std::string_view("?") : text.substr(i, length);
    i += std::max<std::size_t>(length, 1);
    if (pending) {
      out += gap;
      word = 0;
      pending = false;
    }
    word += piece.size();
    if (word > kLongestWord) continue;
    if (out.size() + piece.size() > most) {
      out += "...";
      break;
    }
    out += piece;
  }
  return out;
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string one_line(std::string_view text, std::size_t most, bool utf8) { return squeeze(text, most, utf8, " "); }
std::string one_word(std::string_view text, std::size_t most, bool utf8) { return squeeze(text, std::min(most, kLongestWord), utf8, ""); }

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ':';
  std::size_t column = name.size() + 1;
  while (!value.empty()) {
    const std::string_view word = value.substr(0, value.find(' '));
    value.remove_prefix(std::min(value.size(), word.size() + 1));
    if (column + 1 + word.size() > kFoldColumn && column > name.size() + 1) {
      out += "\r\n";
      column = 0;
    }
    out += ' ';
    out += word;
    column += 1 + word.size();
  }
  out += "\r\n";
}

std::string encode_words(std::string_view utf8) {
  if (is_ascii(utf8)) return std::string(utf8);
  constexpr std::size_t kBytesAWord = 42;  // RFC 2047 2: an encoded word has at most 75 characters
  std::string out;
  while (!utf8.empty()) {
    std::size_t take = 0;
    while (take < utf8.size()) {
      const std::size_t length = std::max<std::size_t>(utf8_length(utf8.substr(take)), 1);
      if (take + length > kBytesAWord) break;
      take += length;
    }
    if (!out.empty()) out += ' ';
    out += "=?utf-8?B?" + base64_encode(utf8.substr(0, take)) + "?=";
    utf8.remove_prefix(take);
  }
  return out;
}

std::string quoted_printable(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  constexpr std::size_t kColumns = 75;  // and the "=" of a soft line break: RFC 2045 6.7 (5)
  std::string out;
  std::size_t column = 0;
  const auto put = [&](std::string_view piece) {
    if (column + piece.size() > kColumns) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned char c = byte_at(bytes, i);
    if (bytes.substr(i, 2) == "\r\n") {
      out += "\r\n";
      column = 0;
      ++i;
      continue;
    }
    const bool blank = c == ' ' || c == '\t';
    const bool at_line_end = i + 1 == bytes.size() || bytes.substr(i + 1, 2) == "\r\n";
    if ((c > ' ' && c < 0x7f && c != '=') || (blank && !at_line_end)) {
      put(bytes.substr(i, 1));
    } else {
      const char code[] = {'=', kHex[c >> 4], kHex[c & 15]};
      put({code, sizeof code});
    }
  }
  return out;
}

bool is_clean(std::string_view bytes) {
  if (!bytes.empty() && !bytes.ends_with("\r\n")) return false;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find("\r\n");
    const std::string_view line = bytes.substr(0, end);
    if (line.size() > kLongestLine) return false;
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
    bytes.remove_prefix(end + 2);
  }
  return true;
}

void append_wrapped(std::string& out, std::string_view indent, std::string_view text) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column == 0) {
      out += indent;
      column = indent.size();
    } else if (column + 1 + word.size() > kFoldColumn) {
      out += "\r\n";
      out += indent;
      column = indent.size();
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += "\r\n";
}

}  // namespace godwit::dsn
