#include "grammar/message/casemap.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/utf8.h"

namespace godwit::message {
namespace {

// RFC 5051 2 (2)
void append_slowly(std::string& out, std::uint32_t code_point) {
  static const UNormalizer2* const decomposer = [] {
    UErrorCode error = U_ZERO_ERROR;
    return unorm2_getNFKDInstance(&error);
  }();
  const auto title = static_cast<std::uint32_t>(u_totitle(static_cast<UChar32>(code_point)));
  std::array<UChar, 64> units{};  // the longest there is (U+FDFA) takes 18
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t length = decomposer == nullptr ? -1
                                                    : unorm2_getDecomposition(decomposer, static_cast<UChar32>(title), units.data(),
                                                                              static_cast<std::int32_t>(units.size()), &error);
  if (length < 0 || U_FAILURE(error)) return append_utf8(out, title);
  for (std::int32_t i = 0; i < length;) {
    UChar32 each = 0;
    U16_NEXT(units.data(), i, length, each);
    append_utf8(out, static_cast<std::uint32_t>(each));
  }
}

// The answers for the characters of a block.
class Table {
 public:
  Table(std::uint32_t begin, std::uint32_t end) : begin_(begin) {
    starts_.reserve(end - begin + 1);
    for (std::uint32_t c = begin; c < end; ++c) {
      starts_.push_back(static_cast<std::uint32_t>(text_.size()));
      append_slowly(text_, c);
    }
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
  }

  void append(std::string& out, std::uint32_t c) const {
    const std::uint32_t* start = &starts_[c - begin_];
    out.append(text_, start[0], start[1] - start[0]);
  }

 private:
  std::uint32_t begin_;
  std::string text_;
  std::vector<std::uint32_t> starts_;
};

void append(std::string& out, std::uint32_t code_point, std::string_view bytes) {
  // made when the first character beyond ASCII comes
  static const Table alphabets(0, 0x3400);
  static const Table hangul(0xac00, 0xd7a4);
  static const Table full_width(0xff00, 0xfff0);
  if (code_point < 0x3400)
    alphabets.append(out, code_point);
  else if (code_point < 0xa000)
    out += bytes;  // ideographs: no case, nothing in them
  else if (code_point >= 0xac00 && code_point < 0xd7a4)
    hangul.append(out, code_point);
  else if (code_point >= 0xff00 && code_point < 0xfff0)
    full_width.append(out, code_point);
  else
    append_slowly(out, code_point);
}

// Bytes at the front that are ASCII.
std::size_t ascii_length(std::string_view text) {
  std::size_t i = 0;
  for (; i + 32 <= text.size(); i += 32) {
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), text.data() + i, 32);
    if (((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

// Written so that the compiler makes vectors of it.
void append_ascii_upper(std::string& out, std::string_view text) {
  const std::size_t at = out.size();
  out.resize(at + text.size());
  char* to = out.data() + at;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool lower = static_cast<unsigned char>(c - 'a') < 26;
    to[i] = static_cast<char>(c ^ (lower ? 0x20 : 0));
  }
}

}  // namespace

void append_casemap(std::string& out, std::string_view utf8) {
  while (!utf8.empty()) {
    const std::size_t ascii = ascii_length(utf8);
    append_ascii_upper(out, utf8.substr(0, ascii));
    utf8.remove_prefix(ascii);
    while (!utf8.empty() && static_cast<unsigned char>(utf8[0]) >= 0x80) {
      const std::size_t length = utf8_length(utf8);
      if (length == 0) {
        out += utf8[0];
        utf8.remove_prefix(1);
        continue;
      }
      append(out, utf8_code_point(utf8, length), utf8.substr(0, length));
      utf8.remove_prefix(length);
    }
  }
}

std::string casemap(std::string_view utf8) {
  std::string out;
  append_casemap(out, utf8);
  return out;
}

}  // namespace godwit::message
