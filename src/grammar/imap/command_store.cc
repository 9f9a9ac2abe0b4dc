#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

Result<Request> parse_copy_or_move(Cursor& cursor, bool uid, bool move) {
  Copy request;
  request.uid = uid;
  request.move = move;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.set, cursor.sequence_set());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.mailbox, cursor.mailbox());
  return request;
}

// RFC 7162 3.1.3: "(UNCHANGEDSINCE" SP mod-sequence-valzer ")"
Result<std::uint64_t> parse_unchanged_since(Cursor& cursor) {
  GODWIT_TRY(cursor.expect('('));
  if (cursor.peek_word() != "UNCHANGEDSINCE") return fail(cursor.unknown("STORE has no such modifier"));
  cursor.word();
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(const std::uint64_t modseq, cursor.number64());
  GODWIT_TRY(cursor.expect(')'));
  return modseq;
}

Result<> parse_change(Cursor& cursor, Store& request) {
  if (cursor.eat('+')) {
    request.change = Store::Change::add;
  } else if (cursor.eat('-')) {
    request.change = Store::Change::remove;
  }
  const std::string item = cursor.peek_word();
  if (item != "FLAGS" && item != "FLAGS.SILENT") return fail(cursor.wrong("FLAGS, +FLAGS or -FLAGS is expected"));
  request.silent = item != "FLAGS";
  cursor.word();
  return {};
}

Result<Flags> parse_bare_flags(Cursor& cursor) {
  Flags flags;
  do {
    GODWIT_TRY(parse_flag(cursor, flags));
  } while (cursor.eat(' '));
  return flags;
}

}  // namespace

Result<> parse_flag(Cursor& cursor, Flags& flags) {
  const std::size_t begin = cursor.position();
  const bool system = cursor.eat('\\');
  GODWIT_ASSIGN(const std::string_view name, cursor.atom());
  if (system) {
    // RFC 9051 9: flag-extension is for future standards; \Recent is not the client's to set (RFC 3501 2.3.2)
    const std::uint8_t flag = system_flag(std::string("\\").append(name));
    if (flag == 0) return fail(Error::syntax("there is no such system flag", begin));
    flags.system |= flag;
    return {};
  }
  if (flags.keywords.size() == kMaxFlags) return fail(cursor.too_many("too many flags"));
  flags.add_keyword(name);
  return {};
}

Result<Flags> parse_flag_list(Cursor& cursor) {
  GODWIT_TRY(cursor.expect('('));
  if (cursor.eat(')')) return Flags{};
  GODWIT_ASSIGN(Flags flags, parse_bare_flags(cursor));
  GODWIT_TRY(cursor.expect(')'));
  return flags;
}

Result<Request> parse_store(Cursor& cursor, bool uid) {
  Store request;
  request.uid = uid;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.set, cursor.sequence_set());
  GODWIT_TRY(cursor.space());
  if (cursor.peek() == '(') {
    GODWIT_ASSIGN(request.unchanged_since, parse_unchanged_since(cursor));
    GODWIT_TRY(cursor.space());
  }
  GODWIT_TRY(parse_change(cursor, request));
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.flags, cursor.peek() == '(' ? parse_flag_list(cursor) : parse_bare_flags(cursor));
  return request;
}

Result<Request> parse_copy(Cursor& cursor, bool uid) { return parse_copy_or_move(cursor, uid, false); }
Result<Request> parse_move(Cursor& cursor, bool uid) { return parse_copy_or_move(cursor, uid, true); }

Result<Request> parse_expunge(Cursor& cursor, bool uid) {
  Expunge request;
  if (!uid) return request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.uids, cursor.sequence_set());
  return request;
}

}  // namespace godwit::imap
