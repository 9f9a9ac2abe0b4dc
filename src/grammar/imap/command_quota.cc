#include <algorithm>

#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {

Result<Request> parse_get_quota(Cursor& cursor, bool /*uid*/) {
  GetQuota request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.root, cursor.astring());
  return request;
}

Result<Request> parse_get_quota_root(Cursor& cursor, bool /*uid*/) {
  GetQuotaRoot request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.mailbox, cursor.mailbox());
  return request;
}

// RFC 9208 7: setquota-list may be empty
Result<Request> parse_set_quota(Cursor& cursor, bool /*uid*/) {
  SetQuota request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.root, cursor.astring());
  GODWIT_TRY(cursor.space());
  GODWIT_TRY(cursor.expect('('));
  if (cursor.eat(')')) return request;
  do {
    if (request.limits.size() == kMaxQuotaLimits) return fail(cursor.too_many("too many resources"));
    std::string resource = cursor.word();
    if (resource.empty()) return fail(cursor.wrong("the name of a resource is expected"));
    GODWIT_TRY(cursor.space());
    GODWIT_ASSIGN(const std::uint64_t limit, cursor.number64());
    request.limits.emplace_back(std::move(resource), limit);
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return request;
}

}  // namespace godwit::imap
