#include "grammar/smtp/path.h"

#include <unicode/uidna.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/utf8.h"

namespace godwit::smtp {
namespace {

// RFC 5321 4.5.3.1: local part 64, path 256 with its brackets. RFC 1035 2.3.4: 253 characters of a name, 63 of a label.
constexpr std::size_t kMaxLocalPart = 64;
constexpr std::size_t kMaxAddress = 254;
constexpr std::size_t kMaxDomain = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSourceRoute = 1'024;

enum : std::uint8_t { kAtext = 1, kLetDig = 2, kUpper = 4, kHigh = 8 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<std::size_t>(c)] = kAtext | kLetDig;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<std::size_t>(c)] = kAtext | kLetDig | kUpper;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] = kAtext | kLetDig;
  for (const char c : std::string_view("!#$%&'*+-/=?^_`{|}~")) classes[static_cast<unsigned char>(c)] = kAtext;
  for (std::size_t c = 128; c < 256; ++c) classes[c] = kAtext | kHigh;  // RFC 6531 3.3: atext takes UTF8-non-ascii
  return classes;
}
constexpr auto kClasses = make_classes();

bool is(char c, std::uint8_t what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }
bool has_high(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

Error at(Error error, std::size_t offset) {
  error.position += offset;
  return error;
}

// ---- domains

// RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str]. No underscore.
Result<void> check_ldh(std::string_view name) {
  if (name.empty()) return fail(Error::syntax("a domain is missing", 0));
  if (name.size() > kMaxDomain) return fail(Error::syntax("a domain has at most 253 characters", kMaxDomain));
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && (is(name[i], kLetDig) || name[i] == '-')) continue;
    if (i < name.size() && name[i] != '.') return fail(Error::syntax("a domain has letters, digits, hyphens and dots", i));
    if (i == begin) return fail(Error::syntax("a label of the domain is empty", i));
    if (i - begin > kMaxLabel) return fail(Error::syntax("a label of a domain has at most 63 characters", begin + kMaxLabel));
    if (name[begin] == '-') return fail(Error::syntax("a label of a domain does not begin with a hyphen", begin));
    if (name[i - 1] == '-') return fail(Error::syntax("a label of a domain does not end with a hyphen", i - 1));
    begin = i + 1;
  }
  return {};
}

const UIDNA* idna() {
  // UTS 46: non-transitional, CheckBidi, ContextJ, STD3. One for the process: its use is thread-safe.
  static const UIDNA* instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    const UIDNA* made = uidna_openUTS46(
        UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE,
        &status);
    GODWIT_CHECK(U_SUCCESS(status));
    return made;
  }();
  return instance;
}

Result<std::string> to_a_labels(std::string_view name) {
  if (name.size() > 4 * kMaxDomain) return fail(Error::syntax("a domain has at most 253 characters", kMaxDomain));
  std::array<char, kMaxDomain + 3> buffer{};
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = uidna_nameToASCII_UTF8(idna(), name.data(), static_cast<std::int32_t>(name.size()), buffer.data(),
                                                     static_cast<std::int32_t>(buffer.size()), &info, &status);
  if (status == U_BUFFER_OVERFLOW_ERROR) return fail(Error::syntax("a domain has at most 253 characters as A-labels", 0));
  if (U_FAILURE(status) || info.errors != 0) return fail(Error::syntax("not an internationalised domain name (UTS 46)", 0));
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

// RFC 5321 4.1.3: Snum = 1*3DIGIT, decimal.
std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t part = 0; part < 4; ++part) {
    const auto digits = text.substr(0, std::min(text.find('.'), text.size()));
    if (digits.empty() || digits.size() > 3) return std::nullopt;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes[part]);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    text.remove_prefix(digits.size());
    if (part < 3) {
      if (text.empty()) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  return text.empty() ? std::optional(bytes) : std::nullopt;
}

// Groups of 1*4HEXDIG separated by single colons; nothing at all is no group. The count, or nothing.
std::optional<std::size_t> count_groups(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t groups = 0;
  for (;;) {
    const auto group = text.substr(0, std::min(text.find(':'), text.size()));
    const bool hex =
        std::ranges::all_of(group, [](char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); });
    if (group.empty() || group.size() > 4 || !hex) return std::nullopt;
    ++groups;
    if (group.size() == text.size()) return groups;
    text.remove_prefix(group.size() + 1);
  }
}

// RFC 5321 4.1.3 IPv6-addr, all four forms. "::" stands for two groups at least, so at most 6 others (4 before an IPv4 tail).
bool is_ipv6_addr(std::string_view text) {
  std::size_t wanted = 8;
  if (text.find('.') != std::string_view::npos) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !parse_ipv4(text.substr(colon + 1))) return false;
    // the IPv4 tail takes two groups; "::" directly before it stays
    text = text.substr(0, colon > 0 && text[colon - 1] == ':' ? colon + 1 : colon);
    wanted = 6;
  }
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text) == wanted;
  const auto before = count_groups(text.substr(0, gap));
  const auto after = count_groups(text.substr(gap + 2));
  return before && after && *before + *after <= wanted - 2;
}

Result<std::string> parse_literal(std::string_view text) {
  if (text.size() < 2 || text.back() != ']') return fail(Error::syntax("an address literal ends with ]", text.size()));
  const auto inside = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  if (ascii_iequals(inside.substr(0, kTag.size()), kTag)) {
    const auto rest = inside.substr(kTag.size());
    if (!is_ipv6_addr(rest)) return fail(Error::syntax("not an IPv6 address literal", 1 + kTag.size()));
    // inet_pton knows no leading zeros in the IPv4 tail: give it the canonical spelling.
    const auto colon = rest.rfind(':') + 1;
    std::string canonical(rest);
    if (const auto v4 = parse_ipv4(rest.substr(colon)))
      canonical.replace(colon, std::string::npos, IpAddress{false, {(*v4)[0], (*v4)[1], (*v4)[2], (*v4)[3]}}.text());
    GODWIT_ASSIGN(const IpAddress address, parse_ip(canonical));
    return address.literal();
  }
  // RFC 5321 4.1.3 General-address-literal: no tag but IPv6 is registered.
  const auto v4 = parse_ipv4(inside);
  if (!v4) return fail(Error::syntax("an address literal is [IPv4] or [IPv6:...]", 1));
  return IpAddress{false, {(*v4)[0], (*v4)[1], (*v4)[2], (*v4)[3]}}.literal();
}

// ---- local parts

// Offset of the first byte that is a control or not UTF-8.
std::size_t find_unclean(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    const std::size_t length = utf8_length(rest);
    if (length == 0 || is_control(utf8_code_point(rest, length))) return i;
    i += length;
  }
  return text.size();
}

bool is_dot_string(std::string_view text) {
  bool atom = false;
  for (const char c : text) {
    if (c == '.' && !atom) return false;
    if (c != '.' && !is(c, kAtext)) return false;
    atom = c != '.';
  }
  return atom;
}

std::size_t written_size(std::string_view text) {
  if (is_dot_string(text)) return text.size();
  return text.size() + 2 + static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return c == '"' || c == '\\'; }));
}

// What the local part of a mailbox is, and where it ends.
struct Front {
  std::string meant;
  std::size_t end = 0;
};

Result<Front> take_quoted(std::string_view text) {
  Front front;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"') {
      front.end = i + 1;
      return front;
    }
    if (c == '\\') {
      ++i;
      // RFC 5321 4.1.2 quoted-pairSMTP = %d92 %d32-126; RFC 6531 3.3 does not widen it
      if (i >= text.size() || text[i] < 32 || text[i] == 127)
        return fail(Error::syntax("a backslash quotes a printable ASCII character", i));
    } else if (c < 32 || c == 127) {
      return fail(Error::syntax("control characters are not allowed in an address", i));
    }
    front.meant.push_back(text[i]);
  }
  return fail(Error::syntax("the quoted local part has no closing quote", text.size()));
}

Result<Front> take_dot_string(std::string_view text) {
  std::size_t i = 0;
  bool atom = false;
  for (; i < text.size() && (is(text[i], kAtext) || text[i] == '.'); ++i) {
    if (text[i] == '.' && !atom)
      return fail(Error::syntax(i == 0 ? "a local part does not begin with a dot" : "two dots in a row in the local part", i));
    atom = text[i] != '.';
  }
  if (i == 0)
    return fail(Error::syntax(
        text.starts_with('@') ? "the local part is missing" : "a local part begins with a letter, digit, symbol or quote", 0));
  if (!atom) return fail(Error::syntax("a local part does not end with a dot", i - 1));
  return Front{std::string(text.substr(0, i)), i};
}

// RFC 5321 4.1.2 A-d-l, appendix C: "@a,@b:" is accepted and ignored. Where the mailbox begins; text[1] is the first @.
Result<std::size_t> skip_source_route(std::string_view text) {
  std::size_t begin = 1;
  for (;;) {
    if (begin >= text.size() || text[begin] != '@') return fail(Error::syntax("a source route is a list of @domain", begin));
    const bool literal = text.substr(begin + 1).starts_with('[');
    const auto end = text.find_first_of(",:", literal ? std::min(text.find(']', begin), text.size()) : begin);
    if (end == std::string_view::npos || end > kMaxSourceRoute) return fail(Error::syntax("the local part is missing", begin));
    if (auto hop = parse_domain(text.substr(begin + 1, end - begin - 1)); !hop) return fail(at(std::move(hop).error(), begin + 1));
    begin = end + 1;
    if (text[end] == ':') return begin;
  }
}

}  // namespace

bool is_clean_utf8(std::string_view text) { return find_unclean(text) == text.size(); }

std::string Domain::unicode() const {
  if (text_.find("xn--") == std::string::npos || is_literal()) return text_;
  std::array<char, 4 * kMaxDomain> buffer{};
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = uidna_nameToUnicodeUTF8(idna(), text_.data(), static_cast<std::int32_t>(text_.size()), buffer.data(),
                                                      static_cast<std::int32_t>(buffer.size()), &info, &status);
  if (U_FAILURE(status) || info.errors != 0) return text_;
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::optional<IpAddress> Domain::literal() const {
  if (!is_literal()) return std::nullopt;
  std::string_view inside(text_);
  inside = inside.substr(1, inside.size() - 2);
  if (inside.starts_with("IPv6:")) inside.remove_prefix(5);
  auto address = parse_ip(inside);
  return address ? std::optional(*address) : std::nullopt;
}

bool Domain::is_within(const Domain& parent) const {
  const std::string_view above = parent.text_;
  if (above.empty() || !std::string_view(text_).ends_with(above)) return false;
  if (text_.size() == above.size()) return true;
  return !is_literal() && text_[text_.size() - above.size() - 1] == '.';
}

Result<Domain> parse_domain(std::string_view text) {
  Domain domain;
  if (text.starts_with('[')) {
    GODWIT_ASSIGN(domain.text_, parse_literal(text));
    return domain;
  }
  if (has_high(text)) {
    if (const auto bad = find_unclean(text); bad < text.size()) return fail(Error::syntax("not UTF-8, or a control character", bad));
    GODWIT_ASSIGN(domain.text_, to_a_labels(text));
    if (auto checked = check_ldh(domain.text_); !checked) {
      Error error = std::move(checked).error();
      error.position = 0;  // it counts in the A-labels, which may be longer than what was written
      return fail(std::move(error));
    }
    return domain;
  }
  GODWIT_TRY(check_ldh(text));
  domain.text_.assign(text);
  for (char& c : domain.text_) {
    if (is(c, kUpper)) c = ascii_lower(c);
  }
  return domain;
}

std::string LocalPart::quoted() const {
  if (is_dot_string(text_)) return text_;
  std::string out = "\"";
  for (const char c : text_) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

bool LocalPart::is_ascii() const { return !has_high(text_); }

Result<LocalPart> make_local_part(std::string text) {
  if (const auto bad = find_unclean(text); bad < text.size())
    return fail(Error::syntax("control characters and bytes that are not UTF-8 are not allowed in a local part", bad));
  if (written_size(text) > kMaxLocalPart) return fail(Error::syntax("a local part has at most 64 bytes", kMaxLocalPart));
  LocalPart out;
  out.text_ = std::move(text);
  return out;
}

Result<Address> parse_address(std::string_view text) {
  if (text.size() > kMaxAddress) return fail(Error::syntax("an address has at most 254 bytes", kMaxAddress));
  auto front = text.starts_with('"') ? take_quoted(text) : take_dot_string(text);
  if (!front) return fail(std::move(front).error());
  const std::size_t end = front->end;
  if (end > kMaxLocalPart) return fail(Error::syntax("a local part has at most 64 bytes", kMaxLocalPart));
  if (end == text.size()) return fail(Error::syntax("an address has an @ and a domain", end));
  if (text[end] != '@') return fail(Error::syntax("this character is not allowed in a local part without quotes", end));
  auto local = make_local_part(std::move(front->meant));
  if (!local) return fail(std::move(local).error());
  auto domain = parse_domain(text.substr(end + 1));
  if (!domain) return fail(at(std::move(domain).error(), end + 1));
  if (end + 1 + domain->text().size() > kMaxAddress)
    return fail(Error::syntax("an address has at most 254 bytes with its domain as A-labels", end + 1));
  return Address{*std::move(local), *std::move(domain)};
}

Result<Address> parse_forward_path(std::string_view text) {
  if (!text.starts_with('<')) return fail(Error::syntax("an address stands in angle brackets", 0));
  if (!text.ends_with('>')) return fail(Error::syntax("the closing > is missing", text.size()));
  std::size_t begin = 1;
  if (text == "<>") return fail(Error::syntax("an address is missing between < and >", 1));
  if (text.size() > 1 && text[1] == '@') {
    GODWIT_ASSIGN(begin, skip_source_route(text));
  }
  auto address = parse_address(text.substr(begin, text.size() - 1 - begin));
  if (!address) return fail(at(std::move(address).error(), begin));
  return address;
}

Result<ReversePath> parse_reverse_path(std::string_view text) {
  if (text == "<>") return ReversePath();
  GODWIT_ASSIGN(Address address, parse_forward_path(text));
  return ReversePath(std::move(address));
}

}  // namespace godwit::smtp
