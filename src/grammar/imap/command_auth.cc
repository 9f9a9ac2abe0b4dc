#include <algorithm>

#include "base/bytes.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

constexpr std::size_t kMaxMechanism = 20;  // RFC 4422 3.1

std::string to_upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return upper;
}

bool is_base64_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

Result<std::pair<std::string, std::optional<std::string>>> parse_id_field(Cursor& cursor) {
  GODWIT_ASSIGN(std::string name, cursor.string());
  if (name.size() > kMaxIdName) return fail(cursor.too_many("a name in ID is too long"));
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(std::optional<std::string> value, cursor.nstring());
  if (value && value->size() > kMaxIdValue) return fail(cursor.too_many("a value in ID is too long"));
  return std::pair(std::move(name), std::move(value));
}

}  // namespace

Result<Request> parse_authenticate(Cursor& cursor, bool /*uid*/) {
  Authenticate request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(const std::string_view mechanism, cursor.atom());
  if (mechanism.size() > kMaxMechanism) return fail(cursor.wrong("the name of the mechanism is too long"));
  request.mechanism = to_upper(mechanism);
  if (cursor.at_end()) return request;
  // RFC 4959 3: one word of base64, "=" for an empty one
  GODWIT_TRY(cursor.space());
  const std::string_view initial = cursor.rest();
  if (initial.empty() || !std::ranges::all_of(initial, is_base64_char)) {
    return fail(cursor.wrong("the initial response is one word of base64"));
  }
  request.initial_response = initial == "=" ? std::string() : std::string(initial);
  cursor.go_to(cursor.position() + initial.size());
  return request;
}

Result<Request> parse_login(Cursor& cursor, bool /*uid*/) {
  Login request;
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.user, cursor.astring());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(request.password, cursor.astring());
  return request;
}

Result<Request> parse_enable(Cursor& cursor, bool /*uid*/) {
  Enable request;
  do {
    GODWIT_TRY(cursor.space());
    GODWIT_ASSIGN(const std::string_view capability, cursor.atom());
    if (request.capabilities.size() == kMaxOptions) return fail(cursor.too_many("too many capabilities"));
    request.capabilities.push_back(to_upper(capability));
  } while (!cursor.at_end());
  return request;
}

Result<Request> parse_id(Cursor& cursor, bool /*uid*/) {
  Id request;
  GODWIT_TRY(cursor.space());
  if (cursor.eat_text("NIL")) return request;
  GODWIT_TRY(cursor.expect('('));
  if (cursor.eat(')')) return request;
  do {
    if (request.fields.size() == kMaxIdFields) return fail(cursor.too_many("too many fields in ID"));
    GODWIT_ASSIGN(auto field, parse_id_field(cursor));
    request.fields.push_back(std::move(field));
  } while (cursor.eat(' '));
  GODWIT_TRY(cursor.expect(')'));
  return request;
}

Result<Request> parse_compress(Cursor& cursor, bool /*uid*/) {
  GODWIT_TRY(cursor.space());
  if (cursor.peek_word() != "DEFLATE") return fail(cursor.unknown("DEFLATE is the only compression"));
  cursor.word();
  return Compress{};
}

}  // namespace godwit::imap
