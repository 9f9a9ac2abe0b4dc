#include "grammar/smtp/extension.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace godwit::smtp {
namespace {

constexpr std::size_t kMaxMechanisms = 32;

std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  const auto word = text.substr(0, std::min(text.find_first_of(" \t"), text.size()));
  text.remove_prefix(word.size());
  return word;
}

void add_mechanisms(Extensions& out, std::string_view list) {
  while (out.auth.size() < kMaxMechanisms) {
    const auto word = take_word(list);
    if (word.empty()) return;
    std::string name(word);
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (!out.has_auth(name)) out.auth.push_back(std::move(name));
  }
}

void add_size(Extensions& out, std::string_view value) {
  out.size = true;
  std::uint64_t max = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), max);
  // RFC 1870 3: zero or no value means that no fixed maximum is in force
  if (error == std::errc{} && end == value.data() + value.size() && max > 0) out.size_max = max;
}

void add_line(Extensions& out, std::string_view line) {
  const std::string keyword = ascii_lower(take_word(line));
  if (keyword == "pipelining")
    out.pipelining = true;
  else if (keyword == "8bitmime")
    out.eight_bit_mime = true;
  else if (keyword == "smtputf8")
    out.smtputf8 = true;
  else if (keyword == "starttls")
    out.starttls = true;
  else if (keyword == "enhancedstatuscodes")
    out.enhanced_status_codes = true;
  else if (keyword == "dsn")
    out.dsn = true;
  else if (keyword == "chunking")
    out.chunking = true;
  else if (keyword == "binarymime")
    out.binary_mime = true;
  else if (keyword == "size")
    add_size(out, take_word(line));
  else if (keyword == "auth")
    add_mechanisms(out, line);
  else if (keyword.starts_with("auth=")) {
    // RFC 4954 3 DEVIATES: Exchange 5.5 and its contemporaries say "AUTH=LOGIN" as the draft before RFC 2554 had it
    const std::string first = keyword.substr(5);
    add_mechanisms(out, first);
    add_mechanisms(out, line);
  }
}

}  // namespace

bool Extensions::has_auth(std::string_view mechanism) const {
  return std::ranges::any_of(auth, [&](const std::string& name) { return ascii_iequals(name, mechanism); });
}

Extensions parse_extensions(const Reply& reply) {
  Extensions out;
  std::string_view rest = reply.text;
  const auto first = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(first.size());
  auto words = first;
  out.greeting = std::string(take_word(words));
  if (!reply.positive()) return out;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto line = rest.substr(0, rest.find('\n'));
    add_line(out, line);
    rest.remove_prefix(line.size());
  }
  return out;
}

}  // namespace godwit::smtp
