#include <algorithm>
#include <array>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

// In the order of SortCriterion::Key.
constexpr std::array<std::string_view, 9> kSortKeys = {"ARRIVAL", "CC",   "DATE",    "DISPLAYFROM", "DISPLAYTO",
                                                       "FROM",    "SIZE", "SUBJECT", "TO"};

Result<SortCriterion> parse_criterion(Cursor& cursor) {
  SortCriterion criterion;
  if (cursor.peek_word() == "REVERSE") {
    cursor.word();
    criterion.reverse = true;
    GODWIT_TRY(cursor.space());
  }
  const auto found = std::ranges::find(kSortKeys, cursor.peek_word());
  if (found == kSortKeys.end()) return fail(cursor.unknown("there is no such sort key"));
  cursor.word();
  criterion.key = static_cast<SortCriterion::Key>(found - kSortKeys.begin());
  return criterion;
}

Result<std::vector<SortCriterion>> parse_criteria(Cursor& cursor) {
  std::vector<SortCriterion> criteria;
  GODWIT_TRY(cursor.expect('('));
  do {
    if (criteria.size() == kMaxSortKeys) return fail(cursor.too_many("too many sort keys"));
    GODWIT_ASSIGN(const SortCriterion criterion, parse_criterion(cursor));
    criteria.push_back(criterion);
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return criteria;
}

// RFC 5256 5: the charset is an argument of its own, and never left out.
Result<std::string> parse_charset(Cursor& cursor) {
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(std::string charset, cursor.astring());
  if (charset.empty() || charset.size() > kMaxAtom) return fail(cursor.wrong("the name of a charset is expected"));
  std::ranges::transform(charset, charset.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return charset;
}

Result<Thread::Algorithm> parse_algorithm(Cursor& cursor) {
  const std::string name = cursor.peek_word();
  if (name != "REFERENCES" && name != "ORDEREDSUBJECT") return fail(cursor.unknown("there is no such threading algorithm"));
  cursor.word();
  return name == "REFERENCES" ? Thread::Algorithm::references : Thread::Algorithm::ordered_subject;
}

}  // namespace

Result<Request> parse_sort(Cursor& cursor, bool uid) {
  Sort request;
  request.uid = uid;
  GODWIT_ASSIGN(request.options, parse_return_options(cursor));
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.criteria, parse_criteria(cursor));
  GODWIT_ASSIGN(request.charset, parse_charset(cursor));
  GODWIT_ASSIGN(request.key, parse_search_keys(cursor));
  return request;
}

Result<Request> parse_thread(Cursor& cursor, bool uid) {
  Thread request;
  request.uid = uid;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.algorithm, parse_algorithm(cursor));
  GODWIT_ASSIGN(request.charset, parse_charset(cursor));
  GODWIT_ASSIGN(request.key, parse_search_keys(cursor));
  return request;
}

}  // namespace godwit::imap
