#include "app/sendmail/recipients.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "grammar/message/address.h"
#include "grammar/smtp/path.h"

namespace godwit::sendmail {
namespace {

// RFC 6761 6.4: nobody's, so that the grammar of addresses can be used for those that lack a domain.
constexpr std::string_view kNoDomain = "@domain.missing.invalid";

// The parts between commas that are in no quotes, comment or angle brackets.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int comments = 0;
  bool quoted = false;
  bool angle = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && (quoted || comments > 0)) {
      ++i;
    } else if (c == '"' && comments == 0) {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '(') {
      ++comments;
    } else if (c == ')') {
      comments = std::max(0, comments - 1);
    } else if (comments == 0 && (c == '<' || c == '>')) {
      angle = c == '<';
    } else if (c == ',' && comments == 0 && !angle) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// "root", "Charlie Root <root>"
std::string with_domain(std::string_view part) {
  std::string text(part);
  const std::size_t bracket = text.rfind('>');
  if (text.rfind('@') != std::string::npos) return text;
  text.insert(bracket == std::string::npos ? text.size() : bracket, kNoDomain);
  return text;
}

Result<void> add(const message::AddressList& list, std::vector<std::string>& out) {
  for (const auto& mailbox : list.mailboxes) {
    std::string address = mailbox.addr_spec();
    if (const auto parsed = smtp::parse_address(address); !parsed)
      return fail(Error::permanent(Error::Cause::syntax, fmt::format("\"{}\" is not an address: {}", address, parsed.error().text)));
    if (address.ends_with(kNoDomain)) address.resize(address.size() - kNoDomain.size());
    out.push_back(std::move(address));
  }
  return {};
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [name](std::string_view one) { return ascii_iequals(name, one); });
}

}  // namespace

Result<std::vector<std::string>> parse_recipients(std::string_view text) {
  std::vector<std::string> out;
  if (const auto whole = message::parse_address_list(text)) {
    GODWIT_TRY(add(*whole, out));
    return out;
  }
  for (const std::string_view part : split(text)) {
    if (is_blank(part)) continue;
    const auto list = message::parse_address_list(with_domain(part));
    if (!list)
      return fail(Error::permanent(Error::Cause::syntax, fmt::format("\"{}\" is not an address: {}", trim(part), list.error().text)));
    GODWIT_TRY(add(*list, out));
  }
  return out;
}

Result<Header> take_recipients(std::string_view text) {
  Header header;
  std::vector<std::string> plain;
  std::vector<std::string> resent;
  bool is_resent = false;
  while (!text.empty()) {
    std::size_t end = text.find("\r\n");
    while (end != std::string_view::npos && end + 2 < text.size() && (text[end + 2] == ' ' || text[end + 2] == '\t'))
      end = text.find("\r\n", end + 2);
    const std::string_view field = text.substr(0, end == std::string_view::npos ? end : end + 2);
    text.remove_prefix(field.size());
    const std::size_t colon = field.find(':');
    const std::string_view name = colon == std::string_view::npos ? std::string_view() : trim(field.substr(0, colon));
    const bool hidden = is_one_of(name, {"bcc", "resent-bcc"});
    const bool again = is_one_of(name, {"resent-to", "resent-cc", "resent-bcc"});
    if (!hidden) header.text += field;
    if (!again && !is_one_of(name, {"to", "cc", "bcc"})) continue;
    std::string_view value = field.substr(colon + 1);
    if (value.ends_with("\r\n")) value.remove_suffix(2);
    GODWIT_ASSIGN(auto found, parse_recipients(value));
    is_resent = is_resent || again;
    std::ranges::move(found, std::back_inserter(again ? resent : plain));
  }
  header.recipients = std::move(is_resent ? resent : plain);
  return header;
}

}  // namespace godwit::sendmail
