#include "grammar/dsn/language.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kMostTags = 20;

// RFC 3282 2, 3: comments and folds may stand between
std::string without_comments(std::string_view value) {
  std::string out;
  int depth = 0;
  for (const char c : value.substr(0, 1'000)) {
    if (c == '(') ++depth;
    if (depth == 0) out += c;
    if (c == ')' && depth > 0) --depth;
  }
  return out;
}

// "q=0.8" in thousandths; 1,000 where it is not there, 0 where it is nonsense
int quality(std::string_view parameters) {
  const std::size_t at = ascii_lower(parameters).find("q=");
  if (at == std::string::npos) return 1'000;
  const std::string_view number = trim(parameters.substr(at + 2));
  int value = 0;
  int scale = 1'000;
  if (number.empty()) return 0;
  for (const char c : number.substr(0, 5)) {
    if (c == '.') continue;
    if (c < '0' || c > '9') break;
    value += (c - '0') * scale;
    scale /= 10;
  }
  return std::min(value, 1'000);
}

struct Wanted {
  std::string tag;
  int quality = 0;
  std::size_t place = 0;
};

std::vector<Wanted> read(std::string_view value) {
  std::vector<Wanted> wanted;
  const std::string clean = without_comments(value);
  for (std::string_view rest = clean; !rest.empty() && wanted.size() < kMostTags;) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    std::string tag = language_tag(trim(item.substr(0, semicolon)));
    if (!tag.empty()) wanted.push_back({std::move(tag), quality(item.substr(semicolon)), wanted.size()});
  }
  return wanted;
}

std::vector<std::string> tags(std::vector<Wanted> wanted) {
  std::vector<std::string> out;
  for (Wanted& one : wanted) out.push_back(std::move(one.tag));
  return out;
}

}  // namespace

std::string language_tag(std::string_view text) {
  const bool valid = text.size() >= 2 && text.size() <= 35 && std::ranges::all_of(text, [](char c) {
                       return c == '-' || (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
                     });
  return valid && text.front() != '-' && text.back() != '-' ? ascii_lower(text) : std::string();
}

std::vector<std::string> accepted_languages(std::string_view value) {
  std::vector<Wanted> wanted = read(value);
  std::erase_if(wanted, [](const Wanted& one) { return one.quality == 0; });
  std::ranges::sort(wanted,
                    [](const Wanted& a, const Wanted& b) { return a.quality != b.quality ? a.quality > b.quality : a.place < b.place; });
  return tags(std::move(wanted));
}

std::vector<std::string> content_languages(std::string_view value) { return tags(read(value)); }

std::string lookup_language(std::string_view tag, const std::vector<std::string>& known) {
  for (std::string_view range = tag; !range.empty();) {
    if (std::ranges::find(known, range) != known.end()) return std::string(range);
    const std::size_t hyphen = range.rfind('-');
    range = hyphen == std::string_view::npos ? std::string_view() : range.substr(0, hyphen);
    if (range.size() > 2 && range[range.size() - 2] == '-') range.remove_suffix(2);  // a single letter begins an extension
  }
  return {};
}

}  // namespace godwit::dsn
