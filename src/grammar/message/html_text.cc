#include "grammar/message/html_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/utf8.h"

namespace godwit::message {
namespace {

bool is_letter(char c) {
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'z';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

// Their content is no text.
bool is_raw(std::string_view tag) {
  static constexpr std::array<std::string_view, 7> kTags{"script", "style", "template", "title", "noframes", "textarea", "svg"};
  return std::ranges::find(kTags, tag) != kTags.end();
}

// They do not part words.
bool is_inline(std::string_view tag) {
  static constexpr std::array<std::string_view, 21> kTags{"a",    "abbr",  "acronym", "b",      "bdi", "bdo",  "big",
                                                          "code", "em",    "font",    "i",      "ins", "mark", "o:p",
                                                          "s",    "small", "span",    "strong", "sub", "sup",  "u"};
  return std::ranges::find(kTags, tag) != kTags.end();
}

struct Reference {
  std::string_view name;
  std::uint32_t code_point;
};
constexpr auto kReferences = std::to_array<Reference>({
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},     {"nbsp", 0xa0},     {"iexcl", 0xa1},
    {"cent", 0xa2},    {"pound", 0xa3},   {"yen", 0xa5},     {"sect", 0xa7},     {"copy", 0xa9},     {"laquo", 0xab},    {"shy", 0xad},
    {"reg", 0xae},     {"deg", 0xb0},     {"plusmn", 0xb1},  {"sup2", 0xb2},     {"sup3", 0xb3},     {"acute", 0xb4},    {"micro", 0xb5},
    {"para", 0xb6},    {"middot", 0xb7},  {"raquo", 0xbb},   {"frac14", 0xbc},   {"frac12", 0xbd},   {"frac34", 0xbe},   {"iquest", 0xbf},
    {"Agrave", 0xc0},  {"Aacute", 0xc1},  {"Acirc", 0xc2},   {"Atilde", 0xc3},   {"Auml", 0xc4},     {"Aring", 0xc5},    {"AElig", 0xc6},
    {"Ccedil", 0xc7},  {"Egrave", 0xc8},  {"Eacute", 0xc9},  {"Ecirc", 0xca},    {"Euml", 0xcb},     {"Ntilde", 0xd1},   {"Ouml", 0xd6},
    {"times", 0xd7},   {"Oslash", 0xd8},  {"Uuml", 0xdc},    {"szlig", 0xdf},    {"agrave", 0xe0},   {"aacute", 0xe1},   {"acirc", 0xe2},
    {"atilde", 0xe3},  {"auml", 0xe4},    {"aring", 0xe5},   {"aelig", 0xe6},    {"ccedil", 0xe7},   {"egrave", 0xe8},   {"eacute", 0xe9},
    {"ecirc", 0xea},   {"euml", 0xeb},    {"igrave", 0xec},  {"iacute", 0xed},   {"icirc", 0xee},    {"iuml", 0xef},     {"ntilde", 0xf1},
    {"ograve", 0xf2},  {"oacute", 0xf3},  {"ocirc", 0xf4},   {"otilde", 0xf5},   {"ouml", 0xf6},     {"oslash", 0xf8},   {"ugrave", 0xf9},
    {"uacute", 0xfa},  {"ucirc", 0xfb},   {"uuml", 0xfc},    {"ensp", 0x2002},   {"emsp", 0x2003},   {"thinsp", 0x2009}, {"zwnj", 0x200c},
    {"zwj", 0x200d},   {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},  {"rsquo", 0x2019},  {"sbquo", 0x201a},  {"ldquo", 0x201c},
    {"rdquo", 0x201d}, {"bdquo", 0x201e}, {"bull", 0x2022},  {"hellip", 0x2026}, {"lsaquo", 0x2039}, {"rsaquo", 0x203a}, {"euro", 0x20ac},
    {"trade", 0x2122}, {"larr", 0x2190},  {"rarr", 0x2192},  {"check", 0x2713},
});

// What "&name" or "&#number" means.
std::optional<std::uint32_t> resolve(std::string_view reference) {
  if (!reference.starts_with('#')) {
    const auto found = std::ranges::find(kReferences, reference, &Reference::name);
    if (found == kReferences.end()) return std::nullopt;
    return found->code_point;
  }
  reference.remove_prefix(1);
  int base = 10;
  if (!reference.empty() && ascii_lower(reference[0]) == 'x') {
    base = 16;
    reference.remove_prefix(1);
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(reference.data(), reference.data() + reference.size(), number, base);
  if (error != std::errc() || end != reference.data() + reference.size()) return std::nullopt;
  if (number > 0x10ffff || (number >= 0xd800 && number < 0xe000)) return 0xfffd;
  return number;
}

}  // namespace

void HtmlText::put(std::string_view text) {
  const bool quoted = quotes_ > 0;
  if (out_->empty() || out_->back().quoted != quoted) out_->push_back({"", quoted});
  out_->back().text += text;
}

void HtmlText::feed(std::string_view utf8, std::vector<Run>& out) {
  out_ = &out;
  for (std::size_t i = 0; i < utf8.size();) {
    if (state_ == State::text) {
      const auto special = std::min(utf8.find_first_of("<&", i), utf8.size());
      if (special > i) put(utf8.substr(i, special - i));
      i = special;
      if (i == utf8.size()) break;
    }
    if (step(utf8[i])) ++i;
  }
}

void HtmlText::finish(std::vector<Run>& out) {
  out_ = &out;
  if (state_ == State::reference) end_reference(false);
  if (state_ == State::open) put("<" + name_);
  state_ = State::text;
}

bool HtmlText::step(char c) {
  switch (state_) {
    case State::text: return step_text(c);
    case State::reference: return step_reference(c);
    case State::open: return step_open(c);
    case State::tag: return step_tag(c);
    case State::quoted_value:
      if (c == quote_) state_ = State::tag;
      return true;
    case State::declaration:
      if (c == '>') state_ = State::text;
      return true;
    case State::comment: return step_comment(c);
    case State::raw:
      if (c == '<') {
        state_ = State::raw_end;
        name_.clear();
      }
      return true;
    case State::raw_end: return step_raw_end(c);
  }
  return true;
}

bool HtmlText::step_text(char c) {
  name_.clear();
  state_ = c == '<' ? State::open : State::reference;
  return true;
}

bool HtmlText::step_reference(char c) {
  const bool part = is_letter(c) || is_digit(c) || (c == '#' && name_.empty());
  if (part && name_.size() < kMaxReference) {
    name_ += c;
    return true;
  }
  end_reference(c == ';');
  return c == ';';
}

// `closed`: by a semicolon. Many are not, and browsers read them all the same.
void HtmlText::end_reference(bool closed) {
  state_ = State::text;
  if (const auto code_point = resolve(name_)) {
    std::string text;
    append_utf8(text, *code_point);
    put(text);
  } else {
    put("&" + name_ + (closed ? ";" : ""));
  }
}

// Behind "<": a tag, its end, a comment, a declaration; or it was text.
bool HtmlText::step_open(char c) {
  if (name_.empty() && c == '/') {
    name_ += c;
    return true;
  }
  if (name_.empty() && (c == '!' || c == '?')) {
    state_ = State::comment;
    dashes_ = 0;
    name_ += c;
    return true;
  }
  if (!is_letter(c)) {
    put("<" + name_);
    state_ = State::text;
    return false;
  }
  name_ += ascii_lower(c);
  name_done_ = false;
  last_ = c;
  state_ = State::tag;
  return true;
}

bool HtmlText::step_tag(char c) {
  if (c == '>') {
    end_tag();
    return true;
  }
  if (!name_done_ && (is_space(c) || c == '/')) name_done_ = true;
  if (!name_done_) {
    if (name_.size() <= kMaxName) name_ += ascii_lower(c);
  } else if ((c == '"' || c == '\'') && last_ == '=') {
    quote_ = c;
    state_ = State::quoted_value;
  }
  if (!is_space(c)) last_ = c;
  return true;
}

void HtmlText::end_tag() {
  const bool end = name_.starts_with('/');
  const std::string_view tag = std::string_view(name_).substr(end ? 1 : 0);
  state_ = State::text;
  if (!is_inline(tag)) put(" ");
  if (tag == "blockquote") {
    if (!end)
      ++quotes_;
    else if (quotes_ > 0)
      --quotes_;
  }
  if (!end && last_ != '/' && is_raw(tag)) {
    raw_ = tag;
    state_ = State::raw;
  }
}

// "<!" and "<?": up to "-->" if it begins with "<!--", else up to ">".
bool HtmlText::step_comment(char c) {
  if (name_.size() < 3) {
    name_ += c;
    if (name_ == "!-" || name_ == "!--") return true;
    state_ = State::declaration;
    return c != '>';
  }
  if (c == '>' && dashes_ >= 2) {
    state_ = State::text;
    return true;
  }
  dashes_ = c == '-' ? dashes_ + 1 : 0;
  return true;
}

bool HtmlText::step_raw_end(char c) {
  if (name_.size() <= raw_.size()) {
    const char wanted = name_.empty() ? '/' : raw_[name_.size() - 1];
    if (ascii_lower(c) == wanted) {
      name_ += wanted;
      return true;
    }
  } else if (is_space(c) || c == '>' || c == '/') {
    name_done_ = true;
    last_ = '\0';
    state_ = State::tag;
    return false;
  }
  state_ = State::raw;
  return c != '<';
}

}  // namespace godwit::message
