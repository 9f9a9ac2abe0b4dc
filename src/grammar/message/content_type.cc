#include "grammar/message/content_type.h"

#include <algorithm>

#include "base/bytes.h"
#include "grammar/message/charset.h"
#include "grammar/message/encoded_word.h"
#include "grammar/message/parameter_joiner.h"

namespace godwit::message {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; }

// RFC 2045 5.1: 1*<any CHAR except SPACE, CTLs, or tspecials>; 8-bit too
bool is_token(char c) {
  return static_cast<unsigned char>(c) > 32 && c != 127 && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}

std::string lower(std::string_view text) { return ascii_lower(text); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return position_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  bool take(char c) {
    if (at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void skip_space() {
    while (!at_end() && is_space(text_[position_])) ++position_;
  }

  // White space and comments; one that never closes reaches to the end.
  void skip_cfws() {
    for (skip_space(); peek() == '(' && !at_end(); skip_space()) skip_comment();
  }

  std::string_view take_token() {
    const std::size_t begin = position_;
    while (!at_end() && is_token(text_[position_])) ++position_;
    return text_.substr(begin, position_ - begin);
  }

  std::string take_quoted() {
    std::string out;
    for (++position_; !at_end(); ++position_) {
      char c = text_[position_];
      if (c == '"') {
        ++position_;
        return out;
      }
      if (c == '\\' && position_ + 1 < text_.size()) c = text_[++position_];
      if (c != '\r' && c != '\n' && c != '\0') out.push_back(c);
    }
    while (!out.empty() && is_space(out.back())) out.pop_back();  // the quote was forgotten
    return out;
  }

  // Up to white space or ";": specials without quotes are common (boundary=a:b, name=a(1).pdf).
  std::string_view take_run() {
    const std::size_t begin = position_;
    while (!at_end() && !is_space(text_[position_]) && text_[position_] != ';') ++position_;
    return text_.substr(begin, position_ - begin);
  }

  void skip_to_semicolon() { position_ = std::min(text_.find(';', position_), text_.size()); }

  // What is next is another parameter, its ";" forgotten: token CFWS "=" (and not the "=?" of an encoded word).
  bool parameter_follows() const {
    Reader ahead(*this);
    if (ahead.take_token().empty()) return false;
    ahead.skip_space();
    return ahead.peek() == '=';
  }

 private:
  void skip_comment() {
    std::size_t depth = 0;
    for (; !at_end(); ++position_) {
      const char c = text_[position_];
      if (c == '\\') ++position_;
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) {
        ++position_;
        return;
      }
    }
    position_ = text_.size();
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

// A value without quotes. RFC 2045 5.1 DEVIATES: white space in it is kept (name=a b.pdf) unless a comment or a parameter follows.
std::string take_unquoted(Reader& reader) {
  std::string out(reader.take_run());
  for (;;) {
    reader.skip_space();
    if (reader.at_end() || reader.peek() == ';' || reader.peek() == '(' || reader.peek() == '"' || reader.parameter_follows()) break;
    out.push_back(' ');
    out += reader.take_run();
  }
  return out;
}

std::vector<Parameter> take_parameters(Reader& reader) {
  ParameterJoiner joiner;
  for (;;) {
    reader.skip_cfws();
    while (reader.take(';')) reader.skip_cfws();
    if (reader.at_end()) break;
    const auto name = reader.take_token();
    reader.skip_cfws();
    if (!reader.take('=')) {
      if (name.empty() && reader.peek() == '"')
        reader.take_quoted();
      else if (name.empty())
        reader.take(reader.peek());
      continue;
    }
    reader.skip_cfws();
    const bool quoted = reader.peek() == '"' && !reader.at_end();
    std::string value = quoted ? reader.take_quoted() : take_unquoted(reader);
    if (name.empty() || (value.empty() && !quoted)) continue;
    joiner.add(lower(name), std::move(value));
  }
  return joiner.take();
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char folded = ascii_lower(c);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::optional<ContentType> parse_content_type(std::string_view value) {
  Reader reader(value);
  reader.skip_cfws();
  const auto type = reader.take_token();
  reader.skip_cfws();
  if (type.empty() || !reader.take('/')) return std::nullopt;
  reader.skip_cfws();
  const auto subtype = reader.take_token();
  if (subtype.empty() || type.size() > kMaxTypeName || subtype.size() > kMaxTypeName) return std::nullopt;
  reader.skip_cfws();
  if (!reader.at_end() && reader.peek() != ';' && !reader.parameter_follows()) reader.skip_to_semicolon();
  return ContentType{lower(type), lower(subtype), take_parameters(reader)};
}

std::optional<Disposition> parse_disposition(std::string_view value) {
  Reader reader(value);
  reader.skip_cfws();
  // quotes around the type have been seen
  const std::string type = reader.peek() == '"' && !reader.at_end() ? reader.take_quoted() : std::string(reader.take_token());
  if (type.empty() || type.size() > kMaxTypeName || !std::ranges::all_of(type, is_token)) return std::nullopt;
  reader.skip_cfws();
  if (reader.peek() == '=') return std::nullopt;  // parameters alone
  if (!reader.at_end() && reader.peek() != ';' && !reader.parameter_follows()) reader.skip_to_semicolon();
  return Disposition{lower(type), take_parameters(reader)};
}

std::vector<std::string> parse_languages(std::string_view value) {
  std::vector<std::string> out;
  Reader reader(value);
  while (!reader.at_end() && out.size() < kMaxLanguages) {
    reader.skip_cfws();
    const auto tag = reader.take_token();
    if (!tag.empty())
      out.emplace_back(tag);
    else if (!reader.at_end())
      reader.take(reader.peek());
  }
  return out;
}

std::string decoded(const Parameter& parameter) {
  if (!parameter.extended) return decode_words(parameter.value);
  const std::string_view value = parameter.value;
  const auto first = value.find('\'');
  const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos) return to_utf8(percent_decoded(value), "utf-8");
  const auto charset = value.substr(0, first);
  return to_utf8(percent_decoded(value.substr(second + 1)), charset.empty() ? "utf-8" : charset);
}

std::optional<std::string> find_parameter(const std::vector<Parameter>& parameters, std::string_view name) {
  const Parameter* found = nullptr;
  for (const auto& parameter : parameters) {
    if (parameter.name == name && (found == nullptr || (parameter.extended && !found->extended))) found = &parameter;
  }
  if (found == nullptr) return std::nullopt;
  return decoded(*found);
}

}  // namespace godwit::message
