#include <algorithm>
#include <array>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

constexpr std::array<std::string_view, 11> kStatusItems = {"MESSAGES",    "RECENT",    "UIDNEXT",        "UIDVALIDITY",
                                                           "UNSEEN",      "DELETED",   "SIZE",           "HIGHESTMODSEQ",
                                                           "APPENDLIMIT", "MAILBOXID", "DELETED-STORAGE"};

Result<std::string> parse_one_mailbox(Cursor& cursor) {
  GODWIT_TRY(cursor.space());
  return cursor.mailbox();
}

// RFC 7162 7: "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
Result<Qresync> parse_qresync(Cursor& cursor) {
  Qresync qresync;
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  GODWIT_ASSIGN(qresync.uid_validity, cursor.nz_number());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(qresync.modseq, cursor.nz_number64());
  bool more = cursor.eat(' ');
  if (more && cursor.peek() != '(') {
    GODWIT_ASSIGN(qresync.known_uids, cursor.number_set());
    more = cursor.eat(' ');
  }
  if (more) {
    GODWIT_TRY(cursor.expect('('));
    GODWIT_ASSIGN(NumberSet numbers, cursor.number_set());
    GODWIT_TRY(cursor.space());
    GODWIT_ASSIGN(NumberSet uids, cursor.number_set());
    if (numbers.count() != uids.count()) return fail(cursor.wrong("there are not as many UIDs as message numbers"));
    GODWIT_TRY(cursor.expect(')'));
    qresync.sequence_match.emplace(std::move(numbers), std::move(uids));
  }
  GODWIT_TRY(cursor.expect(')'));
  return qresync;
}

Result<> parse_select_parameter(Cursor& cursor, Select& request) {
  const std::string name = cursor.peek_word();
  if (name == "CONDSTORE") {
    cursor.word();
    request.condstore = true;
    return {};
  }
  if (name != "QRESYNC") return fail(cursor.unknown("SELECT has no such parameter"));
  if (request.qresync) return fail(cursor.wrong("QRESYNC is given twice"));
  cursor.word();
  GODWIT_ASSIGN(request.qresync, parse_qresync(cursor));
  return {};
}

Result<Request> parse_select_or_examine(Cursor& cursor, bool examine) {
  Select request;
  request.examine = examine;
  GODWIT_ASSIGN(request.mailbox, parse_one_mailbox(cursor));
  if (cursor.at_end()) return request;
  // RFC 4466 2.1: select-params, several in one list
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  std::size_t parameters = 0;
  do {
    if (++parameters > kMaxOptions) return fail(cursor.too_many("too many parameters"));
    GODWIT_TRY(parse_select_parameter(cursor, request));
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return request;
}

// RFC 6154 6: use-attr, "\" atom
Result<std::string> parse_special_use(Cursor& cursor) {
  GODWIT_TRY(cursor.expect('\\'));
  GODWIT_ASSIGN(const std::string_view name, cursor.atom());
  return std::string("\\").append(name);
}

Result<std::vector<std::string>> parse_special_uses(Cursor& cursor) {
  std::vector<std::string> uses;
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  if (cursor.eat(')')) return uses;
  do {
    if (uses.size() == kMaxOptions) return fail(cursor.too_many("too many special uses"));
    GODWIT_ASSIGN(std::string use, parse_special_use(cursor));
    uses.push_back(std::move(use));
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return uses;
}

Result<Request> parse_subscription(Cursor& cursor, bool subscribe) {
  Subscribe request;
  request.subscribe = subscribe;
  GODWIT_ASSIGN(request.mailbox, parse_one_mailbox(cursor));
  return request;
}

}  // namespace

std::string_view to_string(StatusItem item) { return kStatusItems.at(static_cast<std::size_t>(item)); }

Result<Request> parse_select(Cursor& cursor, bool /*uid*/) { return parse_select_or_examine(cursor, false); }
Result<Request> parse_examine(Cursor& cursor, bool /*uid*/) { return parse_select_or_examine(cursor, true); }

Result<Request> parse_create(Cursor& cursor, bool /*uid*/) {
  Create request;
  GODWIT_ASSIGN(request.mailbox, parse_one_mailbox(cursor));
  if (cursor.at_end()) return request;
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  if (cursor.peek_word() != "USE") return fail(cursor.unknown("CREATE has no such parameter"));
  cursor.word();
  GODWIT_ASSIGN(request.special_uses, parse_special_uses(cursor));
  if (cursor.peek() == ' ') return fail(cursor.unknown("CREATE has no parameter but USE"));
  GODWIT_TRY(cursor.expect(')'));
  return request;
}

Result<Request> parse_delete(Cursor& cursor, bool /*uid*/) {
  Delete request;
  GODWIT_ASSIGN(request.mailbox, parse_one_mailbox(cursor));
  return request;
}

Result<Request> parse_rename(Cursor& cursor, bool /*uid*/) {
  Rename request;
  GODWIT_ASSIGN(request.from, parse_one_mailbox(cursor));
  GODWIT_ASSIGN(request.to, parse_one_mailbox(cursor));
  return request;
}

Result<Request> parse_subscribe(Cursor& cursor, bool /*uid*/) { return parse_subscription(cursor, true); }
Result<Request> parse_unsubscribe(Cursor& cursor, bool /*uid*/) { return parse_subscription(cursor, false); }

Result<std::vector<StatusItem>> parse_status_items(Cursor& cursor) {
  std::vector<StatusItem> items;
  GODWIT_TRY(cursor.expect('('));
  do {
    const auto found = std::ranges::find(kStatusItems, cursor.peek_word());
    if (found == kStatusItems.end()) return fail(cursor.unknown("STATUS has no such item"));
    cursor.word();
    const auto item = static_cast<StatusItem>(found - kStatusItems.begin());
    if (std::ranges::find(items, item) == items.end()) items.push_back(item);
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return items;
}

Result<Request> parse_status(Cursor& cursor, bool /*uid*/) {
  Status request;
  GODWIT_ASSIGN(request.mailbox, parse_one_mailbox(cursor));
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.items, parse_status_items(cursor));
  return request;
}

}  // namespace godwit::imap
