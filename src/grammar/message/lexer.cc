#include "grammar/message/lexer.h"

#include <algorithm>
#include <array>

namespace godwit::message {
namespace {

constexpr std::array<bool, 256> make_atext() {
  std::array<bool, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = table[static_cast<std::size_t>(c - 32)] = true;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-/=?^_`{|}~")) table[static_cast<unsigned char>(c)] = true;
  for (std::size_t c = 128; c < 256; ++c) table[c] = true;  // RFC 6532 3.2
  return table;
}
constexpr auto kAtext = make_atext();

bool is_wsp(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// What text may hold beside its own delimiters: RFC 5322 4.1 allows obs-NO-WS-CTL, that is all controls but NUL, LF and CR.
bool is_text(char c) { return c != '\0' && c != '\n' && c != '\r'; }

}  // namespace

bool is_atext(char c) { return kAtext[static_cast<unsigned char>(c)]; }

bool Lexer::take(char c) {
  if (at_end() || text_[position_] != c) return false;
  ++position_;
  return true;
}

// RFC 5322 3.2.2, 4.2 with erratum 1908: obs-FWS = 1*([CRLF] WSP). One step of it; false if there is none here.
Result<bool> Lexer::take_fws() {
  if (is_wsp(peek())) {
    ++position_;
    return true;
  }
  if (peek() != '\r') return false;
  if (position_ + 1 >= text_.size() || text_[position_ + 1] != '\n') return error("a CR without LF");
  if (position_ + 2 >= text_.size() || !is_wsp(text_[position_ + 2])) return error("a line that continues a field begins with white space");
  position_ += 3;
  return true;
}

Result<char> Lexer::take_quoted_pair() {
  ++position_;  // the backslash
  if (at_end()) return error("nothing follows the backslash");
  return text_[position_++];  // RFC 5322 4.1 obs-qp: any ASCII; RFC 6532 3.2: the beginning of a UTF-8 sequence too
}

Result<void> Lexer::take_comment() {
  comment_.clear();
  std::size_t depth = 0;
  do {
    GODWIT_ASSIGN(const bool white, take_fws());
    if (white) {
      comment_.push_back(' ');
      continue;
    }
    if (at_end()) return error("a comment has no closing parenthesis");
    const char c = peek();
    if (c == '\\') {
      GODWIT_ASSIGN(const char quoted, take_quoted_pair());
      comment_.push_back(quoted);
      continue;
    }
    if (!is_text(c)) return error("this character is not allowed in a comment");
    ++position_;
    if (c == '(' && depth++ == 0) continue;
    if (c == ')' && --depth == 0) break;
    comment_.push_back(c);
  } while (true);
  return {};
}

Result<void> Lexer::skip_cfws() {
  const std::size_t begin = position_;
  for (;;) {
    GODWIT_ASSIGN(const bool white, take_fws());
    if (white) continue;
    if (peek() != '(') break;
    GODWIT_TRY(take_comment());
  }
  skipped_ = position_ > begin;
  return {};
}

std::string_view Lexer::take_atom() {
  const std::size_t begin = position_;
  while (!at_end() && is_atext(text_[position_])) ++position_;
  return text_.substr(begin, position_ - begin);
}

Result<std::string> Lexer::take_quoted_string() {
  std::string out;
  ++position_;
  for (;;) {
    if (peek() == '\r') {
      GODWIT_TRY(take_fws());
      out.push_back(' ');
      continue;
    }
    if (at_end()) return error("a quoted string has no closing quote");
    const char c = peek();
    if (c == '\\') {
      GODWIT_ASSIGN(const char quoted, take_quoted_pair());
      out.push_back(quoted);
      continue;
    }
    if (!is_text(c)) return error("this character is not allowed in a quoted string");
    ++position_;
    if (c == '"') return out;
    out.push_back(c);
  }
}

Result<std::string> Lexer::take_domain_literal() {
  std::string out = "[";
  ++position_;
  for (;;) {
    GODWIT_ASSIGN(const bool white, take_fws());
    if (white) continue;
    if (at_end()) return error("a domain literal has no closing bracket");
    const char c = peek();
    if (c == '\\') {
      GODWIT_ASSIGN(const char quoted, take_quoted_pair());
      out.push_back('\\');
      out.push_back(quoted);
      continue;
    }
    if (!is_text(c) || c == '[') return error("this character is not allowed in a domain literal");
    ++position_;
    out.push_back(c);
    if (c == ']') return out;
  }
}

std::string_view Lexer::take_digits() {
  const std::size_t begin = position_;
  while (!at_end() && is_digit(text_[position_])) ++position_;
  return text_.substr(begin, position_ - begin);
}

std::string_view Lexer::take_letters() {
  const std::size_t begin = position_;
  while (!at_end() && is_letter(text_[position_])) ++position_;
  return text_.substr(begin, position_ - begin);
}

}  // namespace godwit::message
