#include "check/dkim/tags.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::dkim {
namespace {

bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first byte that may stand nowhere in a list: a control character, or a line end that folds nothing.
// Bytes over 127 pass (RFC 6376 3.2: "not to preclude the use of UTF-8"; RFC 8616 5).
std::optional<std::size_t> find_intruder(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r') {
      const bool folds = i + 2 < text.size() && text[i + 1] == '\n' && (text[i + 2] == ' ' || text[i + 2] == '\t');
      if (!folds) return i;
      i += 2;
    } else if ((byte < 32 && byte != '\t') || byte == 127) {
      return i;
    }
  }
  return std::nullopt;
}

// Narrows text[begin, end) to what stands between the white space.
void trim_range(std::string_view text, std::size_t& begin, std::size_t& end) {
  while (begin < end && is_folding_white_space(text[begin])) ++begin;
  while (end > begin && is_folding_white_space(text[end - 1])) --end;
}

// RFC 6376 3.2: ALPHA *ALNUMPUNC
bool is_tag_name(std::string_view name) {
  return !name.empty() && is_alpha(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

// text[begin, end) is what stands between two semicolons.
godwit::Result<Tag> parse_tag(std::string_view text, std::size_t begin, std::size_t end) {
  const std::size_t equals = text.find('=', begin);
  if (equals >= end) return fail(Error::syntax("a tag has the form name=value", begin));
  Tag tag;
  std::size_t from = begin;
  std::size_t to = equals;
  trim_range(text, from, to);
  tag.name = text.substr(from, to - from);
  if (!is_tag_name(tag.name)) return fail(Error::syntax("not the name of a tag", from));
  tag.begin = from = equals + 1;
  tag.end = to = end;
  trim_range(text, from, to);
  tag.value = text.substr(from, to - from);
  return tag;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

bool is_folding_white_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

godwit::Result<TagList> TagList::parse(std::string_view text) {
  if (const auto intruder = find_intruder(text))
    return fail(Error::syntax("a control character, or a line end that folds nothing", *intruder));
  TagList list;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const bool last = end == text.size() && !list.tags_.empty();
    if (last && std::ranges::all_of(text.substr(begin), is_folding_white_space)) break;
    GODWIT_ASSIGN(const Tag tag, parse_tag(text, begin, end));
    // RFC 6376 3.2: a name that occurs twice makes the whole list invalid
    if (list.find(tag.name) != nullptr) return fail(Error::syntax("the tag " + std::string(tag.name) + "= occurs twice", begin));
    if (list.tags_.size() == kMaxTags) return fail(Error::syntax("more than 100 tags", begin));
    list.tags_.push_back(tag);
    begin = end + 1;
  }
  if (list.tags_.empty()) return fail(Error::syntax("there is no tag", 0));
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto found = std::ranges::find(tags_, name, &Tag::name);
  return found == tags_.end() ? nullptr : &*found;
}

std::string without_white_space(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  std::ranges::copy_if(value, std::back_inserter(out), [](char c) { return !is_folding_white_space(c); });
  return out;
}

godwit::Result<std::vector<std::string_view>> split_list(std::string_view value) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t colon = std::min(value.find(':', begin), value.size());
    std::size_t from = begin;
    std::size_t to = colon;
    trim_range(value, from, to);
    if (from == to) return fail(Error::syntax("an element of the list is empty", from));
    out.push_back(value.substr(from, to - from));
    begin = colon + 1;
  }
  return out;
}

godwit::Result<std::string> decode_base64(std::string_view value) {
  std::string text = without_white_space(value);
  if (text.empty()) return fail(Error::syntax("no base64", 0));
  if (!text.ends_with('=')) text.append((4 - text.size() % 4) % 4, '=');
  return base64_decode(text);
}

godwit::Result<std::string> decode_quoted_printable(std::string_view value) {
  const std::string text = without_white_space(value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Error::syntax("= without two hexadecimal digits", i));
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::optional<std::uint64_t> parse_number(std::string_view value, std::size_t max_digits) {
  constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();
  if (value.empty() || value.size() > max_digits || !std::ranges::all_of(value, is_digit)) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (kLargest - digit) / 10) return kLargest;
    number = number * 10 + digit;
  }
  return number;
}

bool is_hyphenated_word(std::string_view word) {
  const auto inner = [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; };
  return !word.empty() && is_alpha(word.front()) && word.back() != '-' && std::ranges::all_of(word, inner);
}

}  // namespace godwit::dkim
