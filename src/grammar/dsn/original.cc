#include "grammar/dsn/original.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::dsn {
namespace {

struct Field {
  std::string_view name;  // "" for a line that is no field
  std::string_view body;  // with its folds
};

Field take_field(std::string_view& headers) {
  std::size_t end = headers.find("\r\n");
  while (end < headers.size() && end + 2 < headers.size() && (headers[end + 2] == ' ' || headers[end + 2] == '\t'))
    end = headers.find("\r\n", end + 2);
  const std::string_view whole = headers.substr(0, end);
  headers.remove_prefix(std::min(headers.size(), whole.size() + 2));
  const std::size_t colon = whole.find(':');
  if (colon == std::string_view::npos) return {};
  return {trim(whole.substr(0, colon)), whole.substr(colon + 1)};
}

std::string unfolded(const Field& field) {
  std::string value;
  for (std::string_view rest = field.body; !rest.empty();) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    value += rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
  }
  return std::string(trim(value));
}

// The first word in lower case: "Auto-Replied (vacation); x=y" is "auto-replied". Comments do not count.
std::string keyword(std::string_view value) {
  std::string word;
  int depth = 0;
  for (const char c : value) {
    if (c == '(') ++depth;
    const bool inside = depth > 0;
    if (c == ')' && depth > 0) --depth;
    if (inside) continue;
    const bool blank = c == ' ' || c == '\t';
    if (c == ';' || (blank && !word.empty())) break;
    if (!blank) word += c;
  }
  return ascii_lower(word);
}

bool asks_for_no_answer(std::string_view name, std::string_view word) {
  if (ascii_iequals(name, "Auto-Submitted")) return !word.empty() && word != "no";
  return ascii_iequals(name, "Precedence") && (word == "bulk" || word == "list" || word == "junk");
}

}  // namespace

std::string_view header_section(std::string_view message, std::size_t most) {
  if (message.starts_with("\r\n")) return {};
  const std::size_t end = message.find("\r\n\r\n");
  if (end != std::string_view::npos && end + 2 <= most) return message.substr(0, end + 2);
  const std::size_t last = message.substr(0, most).rfind("\r\n");
  return last == std::string_view::npos ? std::string_view() : message.substr(0, last + 2);
}

std::string field_value(std::string_view headers, std::string_view name) {
  while (!headers.empty()) {
    const Field field = take_field(headers);
    if (ascii_iequals(field.name, name)) return unfolded(field);
  }
  return {};
}

std::string unwanted_answer_because(std::string_view headers) {
  while (!headers.empty()) {
    const Field field = take_field(headers);
    if (field.name.size() > 5 && ascii_iequals(field.name.substr(0, 5), "List-")) return std::string(field.name.substr(0, 60));
    const std::string word = keyword(unfolded(field)).substr(0, 60);
    if (asks_for_no_answer(field.name, word)) return std::string(field.name) + ": " + word;
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
