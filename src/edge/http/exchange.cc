#include "edge/http/exchange.h"

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::http {
namespace {

Result<std::string> decode(std::string_view text, std::size_t position, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto byte = hex_decode(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return fail(Error::syntax("% must be followed by two hexadecimal digits", position + i));
      c = byte->front();
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return fail(Error::syntax("NUL in the target", position + i));
    decoded += c;
  }
  return decoded;
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (ascii_iequals(key, name)) return value;
  }
  return {};
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return fail(Error::syntax("the target must begin with /", 0));
  const std::size_t mark = std::min(target.find('?'), target.size());
  Target parsed;
  GODWIT_ASSIGN(parsed.path, decode(target.substr(0, mark), 0, false));
  for (std::size_t begin = mark + 1; begin < target.size();) {
    const std::size_t end = std::min(target.find('&', begin), target.size());
    const std::string_view pair = target.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    GODWIT_ASSIGN(std::string name, decode(pair.substr(0, equals), begin, true));
    const std::size_t behind = std::min(equals + 1, pair.size());
    GODWIT_ASSIGN(std::string value, decode(pair.substr(behind), begin + behind, true));
    if (!name.empty()) parsed.query.insert_or_assign(std::move(name), std::move(value));
    begin = end + 1;
  }
  return parsed;
}

}  // namespace godwit::http
