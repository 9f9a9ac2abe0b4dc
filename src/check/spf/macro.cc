#include "check/spf/macro.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/bytes.h"

namespace godwit::spf {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 7208 7.3
constexpr std::string_view kLetters = "slodipvhcrt";
constexpr std::string_view kExplanationLetters = "crt";  // RFC 7208 7.2: only in "exp" text

bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanum(char c) { return is_alpha(c) || is_digit(c); }
bool contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

enum class Where : std::uint8_t { anywhere, domain, explanation };

class Parser {
 public:
  Parser(std::string_view text, Where where) : text_(text), where_(where) {}

  godwit::Result<MacroString> parse() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '%') {
        GODWIT_TRY(take_expand());
        end_of_expand_ = position_;
      } else if ((c > ' ' && c < 0x7f) || (c == ' ' && where_ == Where::explanation)) {
        literal_.push_back(c);
        ++position_;
      } else {
        return error("only visible ASCII characters stand here");
      }
    }
    end_literal();
    return std::move(out_);
  }

  std::size_t end_of_expand() const { return end_of_expand_; }

 private:
  // RFC 7208 7.1 macro-expand
  godwit::Result<void> take_expand() {
    const char kind = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
    if (kind == '{') return take_macro();
    if (kind != '%' && kind != '_' && kind != '-') return error("% is followed by {, %, _ or -");
    literal_ += kind == '%' ? "%" : kind == '_' ? " " : "%20";
    position_ += 2;
    return {};
  }

  godwit::Result<void> take_macro() {
    position_ += 2;
    Macro macro;
    const char letter = peek();
    macro.letter = ascii_lower(letter);
    if (!contains(kLetters, macro.letter)) return error("not a macro letter");
    if (where_ == Where::domain && contains(kExplanationLetters, macro.letter)) return error("c, r and t stand in explanations only");
    macro.escaped = letter != macro.letter;
    ++position_;
    GODWIT_TRY(take_digits(macro));
    if (ascii_lower(peek()) == 'r') {
      macro.reversed = true;
      ++position_;
    }
    for (; contains(Macro::kDelimiters, peek()) && position_ < text_.size(); ++position_)
      macro.delimiters = static_cast<std::uint8_t>(macro.delimiters | 1u << Macro::kDelimiters.find(peek()));
    if (peek() != '}') return error("a macro ends with }");
    ++position_;
    end_literal();
    out_.pieces.emplace_back(macro);
    return {};
  }

  godwit::Result<void> take_digits(Macro& macro) {
    if (!is_digit(peek())) return {};
    unsigned value = 0;
    for (; is_digit(peek()); ++position_) value = std::min(value * 10 + static_cast<unsigned>(peek() - '0'), 255u);
    // RFC 7208 7.3: "If a DIGIT is specified, the value MUST be nonzero", and at least 127 is supported
    if (value == 0) return error("the number of parts is not zero");
    macro.parts = static_cast<std::uint8_t>(value);
    return {};
  }

  void end_literal() {
    if (!literal_.empty()) out_.pieces.emplace_back(std::move(literal_));
    literal_.clear();
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  std::unexpected<Error> error(std::string rule) const { return fail(Error::syntax(std::move(rule), position_)); }

  std::string_view text_;
  Where where_;
  std::size_t position_ = 0;
  std::size_t end_of_expand_ = 0;
  std::string literal_;
  MacroString out_;
};

// RFC 7208 7.1: letters and digits, hyphens inside; not digits alone.
bool is_toplabel(std::string_view label) {
  if (label.empty() || !is_alphanum(label.front()) || !is_alphanum(label.back())) return false;
  const bool ldh = std::ranges::all_of(label, [](char c) { return is_alphanum(c) || c == '-'; });
  return ldh && !std::ranges::all_of(label, is_digit);
}

std::string dotted(const IpAddress& client) {
  if (!client.v6) return client.text();
  // RFC 7208 7.3: IPv6 as nibbles; 7.4 has them in lower case
  std::string out;
  for (const auto byte : client.bytes) fmt::format_to(std::back_inserter(out), "{}{:x}.{:x}", out.empty() ? "" : ".", byte >> 4, byte & 15);
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's': return values.local + "@" + values.sender_domain;
    case 'l': return values.local;
    case 'o': return values.sender_domain;
    case 'd': return values.domain;
    case 'i': return dotted(values.client);
    case 'p': return values.client_name;
    case 'v': return values.client.v6 ? "ip6" : "in-addr";
    case 'h': return values.helo;
    case 'c': return values.client.text();
    case 'r': return values.receiver;
    case 't': return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(values.now.time_since_epoch()).count());
    default: return {};
  }
}

// RFC 7208 7.3: split, reverse, keep the right-hand parts, join with dots.
std::string transformed(const Macro& macro, const std::string& value) {
  if (!macro.reversed && macro.parts == 0 && macro.delimiters == 0) return value;
  const auto splits = [&](char c) {
    const auto which = Macro::kDelimiters.find(c);
    return macro.delimiters == 0 ? c == '.' : which != std::string_view::npos && (macro.delimiters >> which & 1) != 0;
  };
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && !splits(value[i])) continue;
    parts.push_back(std::string_view(value).substr(begin, i - begin));
    begin = i + 1;
  }
  if (macro.reversed) std::ranges::reverse(parts);
  if (macro.parts != 0 && macro.parts != 255 && parts.size() > macro.parts)
    parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(macro.parts));
  return fmt::format("{}", fmt::join(parts, "."));
}

std::string url_escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    // RFC 3986 2.3: unreserved
    if (is_alphanum(c) || contains("-._~", c))
      out.push_back(c);
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string expand_piece(const std::variant<std::string, Macro>& piece, const MacroValues& values) {
  if (const auto* literal = std::get_if<std::string>(&piece)) return *literal;
  const Macro& macro = std::get<Macro>(piece);
  std::string value = transformed(macro, value_of(macro.letter, values));
  return macro.escaped ? url_escaped(value) : value;
}

}  // namespace

bool MacroString::uses(char letter) const {
  return std::ranges::any_of(pieces, [letter](const auto& piece) {
    const auto* macro = std::get_if<Macro>(&piece);
    return macro != nullptr && macro->letter == letter;
  });
}

godwit::Result<MacroString> parse_macro_string(std::string_view text) { return Parser(text, Where::anywhere).parse(); }

godwit::Result<MacroString> parse_explanation(std::string_view text) { return Parser(text, Where::explanation).parse(); }

godwit::Result<MacroString> parse_domain_spec(std::string_view text) {
  Parser parser(text, Where::domain);
  GODWIT_ASSIGN(MacroString parsed, parser.parse());
  if (parsed.pieces.empty()) return fail(Error::syntax("a domain is missing", 0));
  // RFC 7208 7.1: domain-end = ( "." toplabel [ "." ] ) / macro-expand
  std::string_view tail = text.substr(parser.end_of_expand());
  if (tail.empty()) return parsed;
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const auto dot = tail.rfind('.');
  if (dot == std::string_view::npos || !is_toplabel(tail.substr(dot + 1)))
    return fail(Error::syntax("a domain ends in a macro or in a dot and a top-level label", parser.end_of_expand()));
  return parsed;
}

std::string expand_name(const MacroString& text, const MacroValues& values) {
  // From the right, as far as can be kept: what stands further left is dropped whatever it is.
  std::string name;
  for (auto piece = text.pieces.rbegin(); piece != text.pieces.rend() && name.size() <= kMaxName + 2; ++piece)
    name.insert(0, expand_piece(*piece, values));
  if (name.ends_with('.')) name.pop_back();
  // RFC 7208 7.3: "the left side is truncated to fit, by removing successive domain labels (and their following dots)"
  if (name.size() > kMaxName) {
    const auto dot = name.find('.', name.size() - kMaxName - 1);
    name.erase(0, dot == std::string::npos ? name.size() : dot + 1);
  }
  return name;
}

std::string expand_text(const MacroString& text, const MacroValues& values, std::size_t limit) {
  constexpr std::string_view kMore = "...";
  std::string out;
  for (const auto& piece : text.pieces) {
    out += expand_piece(piece, values);
    if (out.size() <= limit) continue;
    out.resize(limit > kMore.size() ? limit - kMore.size() : 0);
    out += kMore.substr(0, limit);
    break;
  }
  return out;
}

}  // namespace godwit::spf
