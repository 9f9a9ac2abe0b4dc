#include "service/routing/patterns.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace godwit::routing {
namespace {

Error bad(std::string why) { return Error::permanent(Error::Cause::syntax, std::move(why)); }

std::string without_double_stars(std::string_view glob) {
  std::string out;
  for (const char c : glob)
    if (c != '*' || !out.ends_with('*')) out += c;
  return out;
}

bool is_local_glob(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f || c == '"' || c == '@' || c == '<' || c == '>' || c == '\\';
  });
}

// RFC 5322 2.2: printable ASCII without the colon.
bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

// Takes the first field off, with its continuation lines (RFC 5322 2.2.3).
std::string_view take_field(std::string_view& header) {
  std::size_t end = header.find("\r\n");
  while (end < header.size() && end + 2 < header.size() && (header[end + 2] == ' ' || header[end + 2] == '\t'))
    end = header.find("\r\n", end + 2);
  const std::string_view field = header.substr(0, end);
  header.remove_prefix(std::min(header.size(), field.size() + 2));
  return field;
}

std::string unfolded(std::string_view value) {
  std::string out(value);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  return std::string(trim(out));
}

}  // namespace

// Each star takes as little as it can; a mismatch behind it makes the last one take one more.
bool matches_glob(std::string_view glob, std::string_view text) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      resume = i;
    } else if (at < glob.size() && ascii_lower(glob[at]) == ascii_lower(text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', at) == std::string_view::npos;
}

// A star of `later` is matched by a star alone, so reading it as text is right: nothing else but a star takes it.
bool covers_glob(std::string_view glob, std::string_view later) { return matches_glob(glob, later); }

Result<DomainPattern> DomainPattern::parse(std::string_view text) {
  DomainPattern pattern;
  if (text == "*") return pattern;
  pattern.kind_ = text.starts_with("*.") ? Kind::below : Kind::exact;
  auto domain = smtp::parse_domain(pattern.kind_ == Kind::below ? text.substr(2) : text);
  if (!domain || (domain->is_literal() && pattern.kind_ == Kind::below))
    return fail(bad("this is no domain: write \"example.net\", \"*.example.net\" (what is below it) or \"*\""));
  pattern.domain_ = *std::move(domain);
  return pattern;
}

bool DomainPattern::matches(const smtp::Domain& domain) const {
  switch (kind_) {
    case Kind::exact: return domain == domain_;
    case Kind::below: return domain != domain_ && domain.is_within(domain_);
    case Kind::any: return true;
  }
  return false;
}

bool DomainPattern::covers(const DomainPattern& later) const {
  if (kind_ == Kind::any) return true;
  if (later.kind_ == Kind::any) return false;
  if (kind_ == Kind::exact) return later.kind_ == Kind::exact && later.domain_ == domain_;
  return later.kind_ == Kind::below ? later.domain_.is_within(domain_) : matches(later.domain_);
}

Result<AddressPattern> AddressPattern::parse(std::string_view text) {
  AddressPattern pattern;
  if (auto address = smtp::parse_address(text); address && !text.contains('*')) {
    pattern.local_ = address->local.text();
    GODWIT_ASSIGN(pattern.domain_, DomainPattern::parse(address->domain.text()));
    return pattern;
  }
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || !is_local_glob(text.substr(0, at)))
    return fail(bad(fmt::format("\"{}\" is no address: write \"user@example.org\" or \"*@example.org\"", text)));
  pattern.local_ = without_double_stars(text.substr(0, at));
  auto domain = DomainPattern::parse(text.substr(at + 1));
  if (!domain)
    return fail(
        bad(fmt::format("\"{}\" has no domain behind the @: write \"*@example.net\", \"*@*.example.net\" (what is below it) or "
                        "\"*@*\"",
                        text)));
  pattern.domain_ = *std::move(domain);
  return pattern;
}

bool AddressPattern::matches(const smtp::Address& address) const {
  return domain_.matches(address.domain) && matches_glob(local_, address.local.text());
}

bool AddressPattern::covers(const AddressPattern& later) const {
  return domain_.covers(later.domain_) && covers_glob(local_, later.local_);
}

Result<SenderPattern> SenderPattern::parse(std::string_view text) {
  SenderPattern pattern;
  pattern.null_ = text == "<>";
  if (pattern.null_) return pattern;
  auto address = AddressPattern::parse(text);
  if (!address) return fail(bad(address.error().text + ", or \"<>\" for mail without a sender"));
  pattern.address_ = *std::move(address);
  return pattern;
}

bool SenderPattern::matches(const smtp::ReversePath& sender) const {
  if (null_ || sender.is_null()) return null_ && sender.is_null();
  return address_.matches(sender.address());
}

bool SenderPattern::covers(const SenderPattern& later) const {
  if (null_ || later.null_) return null_ && later.null_;
  return address_.covers(later.address_);
}

Result<HeaderPattern> HeaderPattern::parse(std::string_view text) {
  HeaderPattern pattern;
  const std::size_t colon = text.find(':');
  const std::string_view name = trim(text.substr(0, colon));
  if (colon == std::string_view::npos || !is_field_name(name))
    return fail(
        bad(fmt::format("\"{}\" is no header condition: write \"Name: value\", with * for any text, as in \"X-Campaign: news*\"", text)));
  pattern.name_ = ascii_lower(name);
  pattern.glob_ = without_double_stars(trim(text.substr(colon + 1)));
  if (pattern.glob_.empty())
    return fail(bad(fmt::format("\"{}\" has no value: write \"{}: *\" for a field that is there, whatever it says", text, name)));
  return pattern;
}

bool HeaderPattern::matches(std::string_view header) const {
  while (!header.empty()) {
    const std::string_view field = take_field(header);
    if (field.empty()) return false;  // the body begins
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos || !ascii_iequals(trim(field.substr(0, colon)), name_)) continue;
    if (matches_glob(glob_, unfolded(field.substr(colon + 1)))) return true;
  }
  return false;
}

bool HeaderPattern::covers(const HeaderPattern& later) const { return name_ == later.name_ && covers_glob(glob_, later.glob_); }

}  // namespace godwit::routing
