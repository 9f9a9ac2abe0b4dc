// Mailbox names: each has one spelling in modified UTF-7, what is read is written the same, and patterns agree with a plain matcher.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/list_pattern.h"
#include "grammar/imap/mailbox_name.h"

using namespace godwit;

namespace {

// Row by row: whether the first n bytes of the pattern stand for the name so far.
bool plainly(std::string_view pattern, std::string_view name) {
  std::vector<bool> row(pattern.size() + 1);
  row[0] = true;
  for (std::size_t p = 0; p < pattern.size(); ++p) row[p + 1] = row[p] && (pattern[p] == '*' || pattern[p] == '%');
  for (const char c : name) {
    std::vector<bool> next(pattern.size() + 1);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      const bool wildcard = pattern[p] == '*' || pattern[p] == '%';
      const bool takes = pattern[p] == '*' || (pattern[p] == '%' && c != '/');
      next[p + 1] = wildcard ? next[p] || (takes && row[p + 1]) || (takes && row[p]) : row[p] && pattern[p] == c;
    }
    row = std::move(next);
  }
  return row[pattern.size()];
}

void check_dialect(std::string_view wire, const imap::Dialect& dialect) {
  const auto name = imap::read_mailbox_name(wire, dialect);
  if (!name) {
    GODWIT_CHECK(name.error().position <= wire.size() && name.error().cause == Error::Cause::denied);
    return;
  }
  GODWIT_CHECK(is_utf8(*name) && name->size() <= imap::kMaxMailboxName && !name->contains('\0'));
  const auto again = imap::read_mailbox_name(imap::write_mailbox_name(*name, dialect), dialect);
  GODWIT_CHECK(again && *again == *name);
  if (const auto made = imap::check_new_mailbox(*name)) {
    const auto twice = imap::check_new_mailbox(*made);
    GODWIT_CHECK(twice && *twice == *made && !made->ends_with('/'));
  }
}

void check_pattern(std::string_view text) {
  const std::size_t cut = text.find('\n');
  if (cut == std::string_view::npos || text.size() > 2'000) return;
  const std::string_view wild = text.substr(0, cut);
  const std::string_view name = text.substr(cut + 1);
  const auto pattern = imap::ListPattern::create("", wild);
  if (!pattern) return;
  const bool inbox = imap::is_inbox(name.substr(0, 5));
  if (!inbox) GODWIT_CHECK(pattern->matches(name) == plainly(wild, name));
  for (std::size_t at = name.find('/'); at != std::string_view::npos && at + 1 < name.size(); at = name.find('/', at + 1)) {
    if (pattern->matches(name)) GODWIT_CHECK(pattern->may_match_below(name.substr(0, at)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = imap::decode_utf7(text)) GODWIT_CHECK(imap::encode_utf7(*name) == text && is_utf8(*name));
  if (is_utf8(text)) {
    const auto name = imap::decode_utf7(imap::encode_utf7(text));
    GODWIT_CHECK(name && *name == text);
  }
  check_dialect(text, {});
  check_dialect(text, {.utf8_accept = true});
  check_pattern(text);
  return 0;
}
