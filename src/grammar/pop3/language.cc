#include "grammar/pop3/language.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::pop3 {
namespace {

constexpr std::size_t kMaxSubtag = 8;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_letter_or_digit(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

// RFC 4647 3.4: a subtag of one character at the end goes along with the one behind it.
std::string_view without_last_subtag(std::string_view range) {
  const std::size_t cut = range.rfind('-');
  if (cut == std::string_view::npos) return {};
  range = range.substr(0, cut);
  const bool single = range.size() == 1 || (range.size() > 1 && range[range.size() - 2] == '-');
  return single ? without_last_subtag(range) : range;
}

}  // namespace

bool is_language_range(std::string_view text) {
  if (text == "*") return true;
  for (bool first = true;; first = false) {
    const std::string_view subtag = text.substr(0, text.find('-'));
    if (subtag.empty() || subtag.size() > kMaxSubtag) return false;
    if (!std::ranges::all_of(subtag, first ? is_letter : is_letter_or_digit)) return false;
    if (subtag.size() == text.size()) return true;
    text.remove_prefix(subtag.size() + 1);
  }
}

std::string_view lookup_language(std::string_view range, std::span<const std::string_view> available) {
  if (range == "*") return available.front();
  for (; !range.empty(); range = without_last_subtag(range)) {
    const auto found = std::ranges::find_if(available, [&](std::string_view each) { return ascii_iequals(each, range); });
    if (found != available.end()) return *found;
  }
  return {};
}

}  // namespace godwit::pop3
