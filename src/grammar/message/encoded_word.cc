#include "grammar/message/encoded_word.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/message/charset.h"
#include "grammar/message/content_decoder.h"
#include "grammar/message/lexer.h"

namespace godwit::message {
namespace {

constexpr auto kEnd = std::string_view::npos;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 2047 4.2
std::optional<std::string> decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '=') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else if (c == '\r' || c == '\n') {
      while (i + 1 < text.size() && is_space(text[i + 1])) ++i;  // folded inside the word, which 2 forbids
    } else {
      out.push_back(c == '_' ? ' ' : c);
    }
  }
  return out;
}

// RFC 2047 4.1; padding may be missing
std::optional<std::string> decode_b(std::string_view text) {
  const auto is_base64 = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' || is_space(c);
  };
  if (!std::ranges::all_of(text, is_base64)) return std::nullopt;
  std::string out;
  Base64Decoder decoder;
  decoder.feed(text, out);
  decoder.finish(out);
  return out;
}

class WordDecoder {
 public:
  explicit WordDecoder(std::string_view text) : text_(text) {}

  std::string run() {
    std::size_t done = 0;
    for (std::size_t at = text_.find("=?"); at != kEnd; at = text_.find("=?", at)) {
      const std::size_t end = take_word(done, at);
      if (end != 0) done = end;
      at = end != 0 ? end : at + 2;
    }
    flush();
    append(text_.substr(done));
    if (!is_utf8(out_)) return to_utf8(out_, "utf-8");
    return std::move(out_);
  }

 private:
  // A word at `at`, when everything before `done` has been dealt with: the position behind it, 0 if there is none.
  std::size_t take_word(std::size_t done, std::size_t at) {
    const auto charset_end = text_.substr(0, at + 2 + CharsetDecoder::kMaxName + 1).find('?', at + 2);
    if (charset_end == kEnd || charset_end == at + 2) return 0;
    if (charset_end + 2 >= text_.size() || text_[charset_end + 2] != '?') return 0;
    const std::size_t begin = charset_end + 3;
    const std::size_t end = next_end(begin);
    if (end == kEnd) return 0;
    auto charset = text_.substr(at + 2, charset_end - at - 2);
    if (std::ranges::any_of(charset, is_space)) return 0;
    charset = charset.substr(0, charset.find('*'));  // RFC 2231 5: a language
    const char encoding = ascii_lower(text_[charset_end + 1]);
    if (encoding != 'b' && encoding != 'q') return 0;
    const auto bytes = encoding == 'b' ? decode_b(text_.substr(begin, end - begin)) : decode_q(text_.substr(begin, end - begin));
    if (!bytes) return 0;
    keep(text_.substr(done, at - done), charset, *bytes);
    return end + 2;
  }

  // Where the next "?=" is. Asked for ever later places, so the text is read once.
  std::size_t next_end(std::size_t from) {
    if (end_ != kEnd && end_ < from) end_ = text_.find("?=", from);
    return end_;
  }

  void keep(std::string_view gap, std::string_view charset, std::string_view bytes) {
    const bool adjacent = in_word_ && std::ranges::all_of(gap, is_space);
    if (!adjacent || !ascii_iequals(charset, charset_)) {
      flush();
      if (!adjacent) append(gap);
      charset_ = charset;
    }
    bytes_ += bytes;
    in_word_ = true;
  }

  void flush() {
    if (!in_word_) return;
    std::string decoded = to_utf8(bytes_, charset_);
    std::ranges::replace_if(decoded, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    out_ += decoded;
    bytes_.clear();
    in_word_ = false;
  }

  void append(std::string_view literal) {
    std::ranges::copy_if(literal, std::back_inserter(out_), [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  }

  std::string_view text_;
  std::size_t end_ = 0;  // of the last "?=" looked for
  std::string out_;
  bool in_word_ = false;
  std::string_view charset_;
  std::string bytes_;  // of words not yet decoded
};

}  // namespace

std::string decode_words(std::string_view text) { return WordDecoder(text).run(); }

}  // namespace godwit::message
