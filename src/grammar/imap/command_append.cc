#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

// The bytes are somewhere else: only the announcement stands in the text.
Result<> parse_announced_literal(Cursor& cursor, AppendMessage& message) {
  GODWIT_ASSIGN(const LiteralHead head, cursor.literal_head());
  message.size = head.size;
  message.binary = head.binary;
  return {};
}

Result<DateTime> parse_quoted_date_time(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  GODWIT_ASSIGN(const std::string text, cursor.string());
  auto date = parse_date_time(text);
  if (!date) date.error().position = begin;
  return date;
}

}  // namespace

Result<AppendMessage> parse_append_message(Cursor& cursor) {
  AppendMessage message;
  GODWIT_TRY(cursor.space());
  if (cursor.peek() == '(') {
    GODWIT_ASSIGN(message.flags, parse_flag_list(cursor));
    GODWIT_TRY(cursor.space());
  }
  if (cursor.peek() == '"') {
    GODWIT_ASSIGN(message.internal_date, parse_quoted_date_time(cursor));
    GODWIT_TRY(cursor.space());
  }
  // RFC 6855 4: "UTF8" SP "(" literal8 ")"
  if (cursor.peek_word() == "UTF8") {
    cursor.word();
    message.utf8 = true;
    GODWIT_TRY(cursor.space());
    GODWIT_TRY(cursor.expect('('));
    if (cursor.peek() != '~') return fail(cursor.wrong("UTF8 holds a literal8"));
  }
  GODWIT_TRY(parse_announced_literal(cursor, message));
  return message;
}

Result<Request> parse_append(Cursor& cursor, bool /*uid*/) {
  Append request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.mailbox, cursor.mailbox());
  do {
    if (request.messages.size() == kMaxAppendMessages) return fail(cursor.too_many("too many messages in one APPEND"));
    GODWIT_ASSIGN(AppendMessage message, parse_append_message(cursor));
    if (message.utf8) {
      GODWIT_TRY(cursor.expect(')'));
    }
    request.messages.push_back(std::move(message));
  } while (!cursor.at_end());
  return request;
}

}  // namespace godwit::imap
