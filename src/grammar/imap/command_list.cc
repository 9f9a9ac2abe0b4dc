#include "grammar/imap/limits.h"
#include "grammar/imap/mailbox_name.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

Result<std::string> read_name(Cursor& cursor, std::size_t begin, const std::string& wire) {
  auto name = read_mailbox_name(wire, cursor.dialect());
  if (!name) name.error().position = begin;
  return name;
}

Result<std::string> parse_reference(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  GODWIT_ASSIGN(const std::string wire, cursor.astring());
  return read_name(cursor, begin, wire);
}

Result<std::string> parse_pattern(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  GODWIT_ASSIGN(const std::string wire, cursor.list_mailbox());
  return read_name(cursor, begin, wire);
}

Result<> parse_patterns(Cursor& cursor, List& request) {
  const bool several = cursor.eat('(');
  do {
    if (request.patterns.size() == kMaxListPatterns) return fail(cursor.too_many("too many patterns"));
    GODWIT_ASSIGN(std::string pattern, parse_pattern(cursor));
    request.patterns.push_back(std::move(pattern));
  } while (several && cursor.eat(' '));
  if (!several) return {};
  request.extended = true;
  return cursor.expect(')');
}

Result<> parse_select_option(Cursor& cursor, List& request) {
  const std::string name = cursor.peek_word();
  if (name == "SUBSCRIBED") {
    request.select_subscribed = true;
  } else if (name == "REMOTE") {
    request.select_remote = true;
  } else if (name == "SPECIAL-USE") {
    request.select_special_use = true;
  } else if (name == "RECURSIVEMATCH") {
    request.recursive_match = true;
  } else {
    return fail(cursor.unknown("LIST has no such selection option"));
  }
  cursor.word();
  return {};
}

Result<> parse_return_option(Cursor& cursor, List& request) {
  const std::string name = cursor.peek_word();
  if (name == "SUBSCRIBED") {
    request.return_subscribed = true;
  } else if (name == "CHILDREN") {
    request.return_children = true;
  } else if (name == "SPECIAL-USE") {
    request.return_special_use = true;
  } else if (name == "STATUS") {
    cursor.word();
    GODWIT_TRY(cursor.space());
    GODWIT_ASSIGN(request.return_status, parse_status_items(cursor));
    return {};
  } else {
    return fail(cursor.unknown("LIST has no such return option"));
  }
  cursor.word();
  return {};
}

// "(" [option *(SP option)] ")"
Result<> parse_options(Cursor& cursor, List& request, Result<> (*parse_option)(Cursor&, List&)) {
  request.extended = true;
  GODWIT_TRY(cursor.expect('('));
  if (cursor.eat(')')) return {};
  std::size_t options = 0;
  do {
    if (++options > kMaxOptions) return fail(cursor.too_many("too many options"));
    GODWIT_TRY(parse_option(cursor, request));
  } while (cursor.eat(' '));
  return cursor.expect(')');
}

Result<Request> parse_plain(Cursor& cursor, List::Form form) {
  List request;
  request.form = form;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.reference, parse_reference(cursor));
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(std::string pattern, parse_pattern(cursor));
  request.patterns.push_back(std::move(pattern));
  return request;
}

}  // namespace

Result<Request> parse_list(Cursor& cursor, bool /*uid*/) {
  List request;
  GODWIT_TRY(cursor.space());
  if (cursor.peek() == '(') {
    GODWIT_TRY(parse_options(cursor, request, parse_select_option));
    // RFC 5258 3.1: RECURSIVEMATCH needs an option that can stand for itself
    if (request.recursive_match && !request.select_subscribed) return fail(cursor.wrong("RECURSIVEMATCH needs SUBSCRIBED"));
    GODWIT_TRY(cursor.space());
  }
  GODWIT_ASSIGN(request.reference, parse_reference(cursor));
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(parse_patterns(cursor, request));
  if (cursor.at_end()) return request;
  GODWIT_TRY(cursor.space());
  if (cursor.word() != "RETURN") return fail(cursor.wrong("RETURN is expected"));
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(parse_options(cursor, request, parse_return_option));
  return request;
}

Result<Request> parse_lsub(Cursor& cursor, bool /*uid*/) { return parse_plain(cursor, List::Form::lsub); }
Result<Request> parse_xlist(Cursor& cursor, bool /*uid*/) { return parse_plain(cursor, List::Form::xlist); }

}  // namespace godwit::imap
