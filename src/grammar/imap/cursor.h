#pragma once
// Reads the elements of RFC 9051 9 off a command's text, one after the other: what all parsers of this module are made of.
// Lives for one parse; views point into the text.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/imap/dialect.h"
#include "grammar/imap/sequence_set.h"

namespace godwit::imap {

// "{310}", "{310+}", "~{310}": how a literal begins.
struct LiteralHead {
  std::size_t begin = 0;   // of "{" or "~" in the line
  std::uint64_t size = 0;  // more than 63 bits come out as the greatest value
  bool synchronizing = true;
  bool binary = false;  // literal8
};

class Cursor {
 public:
  Cursor(std::string_view text, const Dialect& dialect) : text_(text), dialect_(dialect) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }
  void go_to(std::size_t position) { at_ = position; }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  const Dialect& dialect() const { return dialect_; }

  bool eat(char c);
  bool eat_text(std::string_view text);  // in any case; as it stands, whatever follows
  // A word of letters, digits, ".", "-", "_" and "=" in upper case; "" if there is none. Not `[`, unlike an atom.
  std::string word();
  std::string peek_word() const;

  Result<> expect(char c);
  Result<> space() { return expect(' '); }
  Result<> end() const;

  Result<std::string_view> tag();
  Result<std::string_view> atom();  // at most kMaxAtom
  Result<std::string> astring();
  Result<std::string> string();                  // quoted or literal
  Result<std::optional<std::string>> nstring();  // NIL in any case
  Result<std::string> list_mailbox();            // an astring that may hold % and * unquoted
  Result<std::uint32_t> number();                // 32 bits
  Result<std::uint32_t> nz_number();             // not 0, no 0 in front
  Result<std::uint64_t> number64();              // 63 bits
  Result<std::uint64_t> nz_number64();           // not 0
  Result<SequenceSet> sequence_set();
  Result<NumberSet> number_set();
  Result<LiteralHead> literal_head();  // with its CRLF; the bytes are not taken
  Result<std::string> mailbox();       // what is meant, not empty; errors as in mailbox_name.h

  Error wrong(std::string rule) const { return Error::syntax(std::move(rule), at_); }
  Error unknown(std::string rule) const { return {Error::Kind::permanent, Error::Cause::unsupported, std::move(rule), at_}; }
  Error too_many(std::string rule) const { return {Error::Kind::permanent, Error::Cause::limit, std::move(rule), at_}; }

 private:
  Result<std::string> quoted();
  Result<std::string> literal();
  Result<std::uint64_t> digits(std::uint64_t most);
  std::string_view run_of_set() const;

  std::string_view text_;
  Dialect dialect_;
  std::size_t at_ = 0;
};

bool is_atom_char(char c);     // RFC 9051 9: ATOM-CHAR
bool is_astring_char(char c);  // and "]"

}  // namespace godwit::imap
