#include "check/dkim/names.h"

#include <algorithm>

#include "base/bytes.h"
#include "grammar/smtp/path.h"

namespace godwit::dkim {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 253;

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }

// RFC 5321 4.1.2 sub-domain.
// RFC 6376 3.5 DEVIATES: an underscore is taken too; selectors with one are in use, and the DNS holds any name
bool is_label(std::string_view label) {
  const auto fits = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= kMaxLabel && std::ranges::all_of(label, fits) && label.front() != '-' && label.back() != '-';
}

}  // namespace

godwit::Result<std::string> parse_dns_name(std::string_view text, std::size_t min_labels) {
  std::string name;
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    // RFC 8616 5: U-labels are looked up as A-labels; what is hashed stays as it came
    const auto domain = smtp::parse_domain(text);
    if (!domain || domain->is_literal()) return fail(Error::syntax("not an internationalised domain name", 0));
    name = domain->text();
  } else {
    name = ascii_lower(text);
  }
  if (name.size() > kMaxName) return fail(Error::syntax("longer than 253 bytes", kMaxName));
  std::size_t labels = 0;
  for (std::size_t begin = 0; begin <= name.size(); ++labels) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (!is_label(std::string_view(name).substr(begin, end - begin))) return fail(Error::syntax("not a domain name", begin));
    begin = end + 1;
  }
  if (labels < min_labels) return fail(Error::syntax("a domain name of a single label", 0));
  return name;
}

bool is_within(std::string_view name, std::string_view parent) {
  if (!name.ends_with(parent)) return false;
  return name.size() == parent.size() || name[name.size() - parent.size() - 1] == '.';
}

}  // namespace godwit::dkim
