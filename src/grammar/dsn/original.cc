#include "grammar/dsn/original.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::dsn {

std::string_view header_section(std::string_view message, std::size_t most) {
  if (message.starts_with("\r\n")) return {};
  const std::size_t end = message.find("\r\n\r\n");
  if (end != std::string_view::npos && end + 2 <= most) return message.substr(0, end + 2);
  const std::size_t last = message.substr(0, most).rfind("\r\n");
  return last == std::string_view::npos ? std::string_view() : message.substr(0, last + 2);
}

std::string field_value(std::string_view headers, std::string_view name) {
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find("\r\n"), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(headers.size(), end + 2));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !ascii_iequals(trim(line.substr(0, colon)), name)) continue;
    std::string value(line.substr(colon + 1));
    while (headers.starts_with(' ') || headers.starts_with('\t')) {
      const std::size_t next = std::min(headers.find("\r\n"), headers.size());
      value += headers.substr(0, next);
      headers.remove_prefix(std::min(headers.size(), next + 2));
    }
    return std::string(trim(value));
  }
  return {};
}

std::string message_id_of(std::string_view headers) {
  std::string id = field_value(headers, "Message-ID");
  if (id.size() < 5 || id.size() > 500 || id.front() != '<' || id.back() != '>') return {};
  const std::string_view inside = std::string_view(id).substr(1, id.size() - 2);
  const bool plain = std::ranges::all_of(inside, [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>'; });
  return plain && inside.find('@') != std::string_view::npos ? id : std::string();
}

}  // namespace godwit::dsn
