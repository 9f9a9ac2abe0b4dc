#include "grammar/imap/cursor.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imap {
namespace {

constexpr std::uint64_t kMax63 = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_word_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '-' || c == '_' || c == '=';
}

template <class Predicate>
std::string_view front(std::string_view text, Predicate holds) {
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, holds) - text.begin()));
}

}  // namespace

bool is_atom_char(char c) { return c > ' ' && c < 0x7f && !std::string_view("(){%*\"\\]").contains(c); }
bool is_astring_char(char c) { return is_atom_char(c) || c == ']'; }

bool Cursor::eat(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Cursor::eat_text(std::string_view text) {
  if (!ascii_iequals(text_.substr(at_, text.size()), text)) return false;
  at_ += text.size();
  return true;
}

std::string Cursor::peek_word() const {
  std::string word(front(rest(), is_word_char).substr(0, kMaxAtom));
  std::ranges::transform(word, word.begin(), to_upper);
  return word;
}

std::string Cursor::word() {
  std::string word = peek_word();
  at_ += word.size();
  return word;
}

Result<> Cursor::expect(char c) {
  if (eat(c)) return {};
  return fail(wrong(c == ' ' ? std::string("a space is expected") : fmt::format("'{}' is expected", c)));
}

Result<> Cursor::end() const {
  if (!at_end()) return fail(wrong("nothing more is expected"));
  return {};
}

Result<std::string_view> Cursor::tag() {
  const std::string_view tag = front(rest(), [](char c) { return is_astring_char(c) && c != '+'; });
  if (tag.empty()) return fail(wrong("a command begins with a tag"));
  if (tag.size() > kMaxTag) return fail(wrong("the tag is too long"));
  at_ += tag.size();
  return tag;
}

Result<std::string_view> Cursor::atom() {
  const std::string_view atom = front(rest(), is_atom_char);
  if (atom.empty()) return fail(wrong("an atom is expected"));
  if (atom.size() > kMaxAtom) return fail(too_many("the atom is too long"));
  at_ += atom.size();
  return atom;
}

Result<std::string> Cursor::astring() {
  if (peek() == '"' || peek() == '{') return string();
  const std::string_view text = front(rest(), is_astring_char);
  if (text.empty()) return fail(wrong("a string is expected"));
  at_ += text.size();
  return std::string(text);
}

Result<std::string> Cursor::list_mailbox() {
  if (peek() == '"' || peek() == '{') return string();
  const std::string_view text = front(rest(), [](char c) { return is_astring_char(c) || c == '%' || c == '*'; });
  if (text.empty()) return fail(wrong("a mailbox name or a pattern is expected"));
  at_ += text.size();
  return std::string(text);
}

Result<std::string> Cursor::string() {
  if (peek() == '"') return quoted();
  if (peek() == '{') return literal();
  return fail(wrong("a quoted string or a literal is expected"));
}

Result<std::optional<std::string>> Cursor::nstring() {
  if (ascii_iequals(front(rest(), is_atom_char), "NIL")) {
    at_ += 3;
    return std::optional<std::string>();
  }
  GODWIT_ASSIGN(std::string text, string());
  return std::optional(std::move(text));
}

Result<std::string> Cursor::quoted() {
  GODWIT_TRY(expect('"'));
  std::string out;
  while (!at_end()) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c == '\r' || c == '\n' || c == '\0') return fail(wrong("a quoted string holds no line end and no NUL"));
    if (c == '\\') {
      ++at_;
      if (peek() != '"' && peek() != '\\') return fail(wrong("only \" and \\ follow a backslash in a quoted string"));
      out += text_[at_++];
      continue;
    }
    std::size_t length = 1;
    if (static_cast<unsigned char>(c) >= 0x80) {
      // RFC 6855 3, RFC 9051 4.3: 8-bit only after ENABLE; a literal otherwise
      length = dialect_.utf8() ? utf8_length(rest()) : 0;
      if (length == 0) return fail(wrong(dialect_.utf8() ? "a quoted string is UTF-8" : "8-bit text goes into a literal"));
    }
    out.append(text_, at_, length);
    at_ += length;
  }
  return fail(wrong("the quoted string does not end"));
}

Result<LiteralHead> Cursor::literal_head() {
  LiteralHead head;
  head.begin = at_;
  head.binary = eat('~');
  GODWIT_TRY(expect('{'));
  GODWIT_ASSIGN(head.size, number64());
  head.synchronizing = !eat('+');
  if (!eat_text("}\r\n")) return fail(wrong("a literal is announced as {size} at the end of a line"));
  return head;
}

Result<std::string> Cursor::literal() {
  GODWIT_ASSIGN(const LiteralHead head, literal_head());
  if (head.size > text_.size() - at_) return fail(wrong("the literal is shorter than announced"));
  const std::string_view bytes = text_.substr(at_, head.size);
  // RFC 9051 9: literal = *CHAR8, which has no NUL
  if (const std::size_t at = bytes.find('\0'); at != std::string_view::npos) {
    return fail(Error::syntax("a literal holds no NUL", at_ + at));
  }
  at_ += bytes.size();
  return std::string(bytes);
}

Result<std::uint64_t> Cursor::digits(std::uint64_t most) {
  std::uint64_t value = 0;
  const std::size_t begin = at_;
  for (; is_digit(peek()); ++at_) {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    if (value > (most - digit) / 10) return fail(wrong("the number is too great"));
    value = 10 * value + digit;
  }
  if (at_ == begin) return fail(wrong("a number is expected"));
  return value;
}

Result<std::uint32_t> Cursor::number() {
  GODWIT_ASSIGN(const std::uint64_t value, digits(kMax32));
  return static_cast<std::uint32_t>(value);
}

Result<std::uint32_t> Cursor::nz_number() {
  if (peek() == '0') return fail(wrong("a number that does not begin with 0 is expected"));
  return number();
}

Result<std::uint64_t> Cursor::number64() { return digits(kMax63); }

Result<std::uint64_t> Cursor::nz_number64() {
  if (peek() == '0') return fail(wrong("a number that does not begin with 0 is expected"));
  return number64();
}

std::string_view Cursor::run_of_set() const {
  return front(rest(), [](char c) { return is_digit(c) || c == ':' || c == ',' || c == '*' || c == '$'; });
}

Result<SequenceSet> Cursor::sequence_set() {
  const std::string_view text = run_of_set();
  auto set = parse_sequence_set(text);
  if (!set) {
    set.error().position += at_;
    return set;
  }
  at_ += text.size();
  return set;
}

Result<NumberSet> Cursor::number_set() {
  const std::string_view text = run_of_set();
  auto set = parse_number_set(text);
  if (!set) {
    set.error().position += at_;
    return set;
  }
  at_ += text.size();
  return set;
}

Result<std::string> Cursor::mailbox() {
  const std::size_t begin = at_;
  GODWIT_ASSIGN(const std::string wire, astring());
  auto name = read_mailbox_name(wire, dialect_);
  if (name && name->empty()) name = fail({Error::Kind::permanent, Error::Cause::denied, "a mailbox has a name", begin});
  if (!name) name.error().position = begin;
  return name;
}

}  // namespace godwit::imap
