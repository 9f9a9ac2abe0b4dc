#include "grammar/smtp/dsn_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"

namespace godwit::smtp {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RFC 822 3.3: an atom, without "=" that no parameter may hold
bool is_atom(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*-/?^_`{|}~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || kMarks.contains(c);
  });
}

// RFC 3461 4: two upper case hexadecimal digits
std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// RFC 3461 4.2 and 4.4: what is encoded is printable ASCII, since the fields of a report hold nothing else
Result<void> check_printable_xtext(std::string_view text) {
  GODWIT_ASSIGN(const std::string decoded, xtext_decode(text));
  if (std::ranges::all_of(decoded, [](char c) { return (c >= ' ' && c < 0x7f) || c == '\t'; })) return {};
  return fail(Error::syntax("what is encoded in xtext here is printable ASCII", 0));
}

}  // namespace

Result<Ret> parse_ret(std::string_view value) {
  if (ascii_iequals(value, "FULL")) return Ret::full;
  if (ascii_iequals(value, "HDRS")) return Ret::headers;
  return fail(Error::syntax("RET is FULL or HDRS", 0));
}

Result<Notify> parse_notify(std::string_view value) {
  Notify out;
  out.given = true;
  for (bool more = true; more;) {
    const auto word = value.substr(0, value.find(','));
    if (ascii_iequals(word, "NEVER"))
      out.never = true;
    else if (ascii_iequals(word, "SUCCESS"))
      out.success = true;
    else if (ascii_iequals(word, "FAILURE"))
      out.failure = true;
    else if (ascii_iequals(word, "DELAY"))
      out.delay = true;
    else
      return fail(Error::syntax("NOTIFY is NEVER or a list of SUCCESS, FAILURE and DELAY", 0));
    more = word.size() < value.size();
    value.remove_prefix(std::min(word.size() + 1, value.size()));
  }
  // RFC 3461 4.1: NEVER stands alone
  if (out.never && (out.success || out.failure || out.delay)) return fail(Error::syntax("NOTIFY=NEVER stands alone", 0));
  return out;
}

std::string format_notify(const Notify& notify) {
  if (!notify.given) return {};
  std::string list;
  const auto add = [&](bool wanted, std::string_view word) {
    if (!wanted) return;
    if (!list.empty()) list += ',';
    list += word;
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return notify.never || list.empty() ? "NEVER" : list;
}

Result<void> check_envid(std::string_view value) {
  if (value.empty()) return fail(Error::syntax("a value is missing", 0));
  if (value.size() > kMaxEnvid) return fail(Error::syntax("ENVID has at most 100 characters", kMaxEnvid));
  return check_printable_xtext(value);
}

Result<void> check_orcpt(std::string_view value) {
  if (value.size() > kMaxOrcpt) return fail(Error::syntax("ORCPT has at most 500 characters", kMaxOrcpt));
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon + 1 == value.size() || !is_atom(value.substr(0, semicolon)))
    return fail(Error::syntax("ORCPT is type;address", 0));
  const std::string_view address = value.substr(semicolon + 1);
  if (ascii_iequals(value.substr(0, semicolon), "utf-8")) {
    // RFC 6533 3: UTF-8 may stand as it is; what does not follow its syntax otherwise is handed on unaltered
    const bool clean = is_clean_utf8(address) && std::ranges::none_of(address, [](char c) { return c == ' ' || c == '='; });
    if (clean) return {};
    return fail(Error::syntax("an address of the type utf-8 is UTF-8 without spaces and =", semicolon + 1));
  }
  if (auto checked = check_printable_xtext(address); !checked)
    return fail(Error::syntax(std::move(checked).error().text, semicolon + 1 + checked.error().position));
  return {};
}

std::string orcpt_of(std::string_view address) {
  if (is_ascii(address)) return "rfc822;" + xtext_encode(address);
  std::string out = "utf-8;";
  for (const char c : address) {
    // RFC 6533 3: QUCHAR
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '\\' || c == '+' || c == '=')
      out += fmt::format("\\x{{{:02X}}}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out;
}

std::optional<std::string> orcpt_in_ascii(std::string_view orcpt) {
  std::string out;
  while (!orcpt.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(orcpt), 1);
    if (length == 1)
      out += orcpt.front();
    else
      out += fmt::format("\\x{{{:02X}}}", utf8_code_point(orcpt, length));
    orcpt.remove_prefix(length);
  }
  if (out.size() > kMaxOrcpt || !is_ascii(out)) return std::nullopt;
  return out;
}

std::string xtext_encode(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    if (c > ' ' && c < 127 && c != '+' && c != '=') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('+');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<std::string> xtext_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= ' ' || c == 127 || c == '=') return fail(Error::syntax("xtext is printable ASCII, others as +HH", i));
    if (c != '+') {
      out.push_back(c);
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
    if (!low) return fail(Error::syntax("in xtext two hexadecimal digits in upper case follow a +", i));
    out.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return out;
}

}  // namespace godwit::smtp
