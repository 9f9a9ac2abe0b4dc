#pragma once
// Tokens of structured header fields: RFC 5322 3.2 with the obsolete forms of 4.1 and 4.2, RFC 6532 3.2. Used by the parsers of
// this module. A view into the text and a position; any thread.

#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::message {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  std::size_t position() const { return position_; }
  void advance() { ++position_; }
  bool take(char c);  // if it is next

  // White space, folding (CRLF must be followed by white space) and nested comments. `skipped` tells whether there was any.
  Result<void> skip_cfws();
  bool skipped() const { return skipped_; }
  const std::string& comment() const { return comment_; }  // the content of the last outermost comment, unquoted
  void forget_comment() { comment_.clear(); }

  std::string_view take_atom();               // empty if there is none; bytes over 127 count as atext
  Result<std::string> take_quoted_string();   // from its opening quote; what is meant
  Result<std::string> take_domain_literal();  // "[...]" as written, without white space
  std::string_view take_digits();
  std::string_view take_letters();

  std::unexpected<Error> error(std::string rule) const { return fail(Error::syntax(std::move(rule), position_)); }

 private:
  Result<bool> take_fws();
  Result<void> take_comment();
  Result<char> take_quoted_pair();

  std::string_view text_;
  std::size_t position_ = 0;
  bool skipped_ = false;
  std::string comment_;
};

bool is_atext(char c);

}  // namespace godwit::message
