#include <algorithm>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

Result<> parse_return_option(Cursor& cursor, ReturnOptions& options) {
  const std::string name = cursor.peek_word();
  if (name == "MIN") {
    options.min = true;
  } else if (name == "MAX") {
    options.max = true;
  } else if (name == "ALL") {
    options.all = true;
  } else if (name == "COUNT") {
    options.count = true;
  } else if (name == "SAVE") {
    options.save = true;
  } else {
    return fail(cursor.unknown("there is no such return option"));
  }
  cursor.word();
  return {};
}

// "CHARSET" SP charset, behind the space in front of it
Result<std::string> parse_charset(Cursor& cursor) {
  // RFC 6855 3: with UTF8=ACCEPT everything is UTF-8, and a charset is refused
  if (cursor.dialect().utf8_accept) return fail(cursor.wrong("CHARSET is not used together with UTF8=ACCEPT"));
  cursor.word();
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(std::string charset, cursor.astring());
  if (charset.empty() || charset.size() > kMaxAtom) return fail(cursor.wrong("the name of a charset is expected"));
  std::ranges::transform(charset, charset.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return charset;
}

}  // namespace

Result<std::optional<ReturnOptions>> parse_return_options(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  if (!cursor.eat(' ') || cursor.peek_word() != "RETURN") {
    cursor.go_to(begin);
    return std::optional<ReturnOptions>();
  }
  cursor.word();
  ReturnOptions options;
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  // RFC 4731 3.1: an empty list stands for ALL
  options.all = cursor.eat(')');
  if (options.all) return std::optional(options);
  std::size_t count = 0;
  do {
    if (++count > kMaxOptions) return fail(cursor.too_many("too many return options"));
    GODWIT_TRY(parse_return_option(cursor, options));
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return std::optional(options);
}

Result<Request> parse_search(Cursor& cursor, bool uid) {
  Search request;
  request.uid = uid;
  GODWIT_ASSIGN(request.options, parse_return_options(cursor));
  const std::size_t begin = cursor.position();
  if (cursor.eat(' ') && cursor.peek_word() == "CHARSET") {
    GODWIT_ASSIGN(request.charset, parse_charset(cursor));
  } else {
    cursor.go_to(begin);
  }
  GODWIT_ASSIGN(request.key, parse_search_keys(cursor));
  return request;
}

}  // namespace godwit::imap
