#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "grammar/authres/authres.h"

namespace godwit::authres {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_keyword_byte(char c) {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
bool ends_value(char c) { return is_space(c) || c == ';' || c == '(' || c == ')' || c == '"'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  std::size_t at() const { return at_; }
  char next() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (next() != c || done()) return false;
    ++at_;
    return true;
  }

  // RFC 5322 3.2.2 CFWS. The first comment goes to `comment`, if that is empty.
  godwit::Result<> space(std::string* comment = nullptr) {
    while (!done()) {
      if (is_space(next())) {
        ++at_;
      } else if (next() == '(') {
        GODWIT_ASSIGN(std::string text, this->comment());
        if (comment != nullptr && comment->empty()) *comment = std::move(text);
      } else {
        break;
      }
    }
    return {};
  }

  std::string keyword() {
    const std::size_t begin = at_;
    while (!done() && is_keyword_byte(next())) ++at_;
    return ascii_lower(text_.substr(begin, at_ - begin));
  }

  // RFC 8601 2.2 value or pvalue
  godwit::Result<std::string> value() {
    if (next() == '"') return quoted();
    const std::size_t begin = at_;
    while (!done() && !ends_value(next())) ++at_;
    std::string out(text_.substr(begin, at_ - begin));
    // RFC 8601 2.2 pvalue: a local part may be quoted in front of its domain
    if (next() == '"' && !done()) return fail(Error::syntax("a quote inside a value", at_));
    return out;
  }

 private:
  godwit::Result<std::string> comment() {
    const std::size_t begin = at_;
    int depth = 0;
    std::string out;
    for (; !done(); ++at_) {
      char c = next();
      if (c == '(' && ++depth == 1) continue;
      if (depth > kMaxCommentDepth) return fail(Error::syntax("comments nested too deeply", at_));
      if (c == ')' && --depth == 0) {
        ++at_;
        return out;
      }
      if (c == '\\' && at_ + 1 < text_.size()) c = text_[++at_];
      if (c != '\r' && c != '\n') out += c;
    }
    return fail(Error::syntax("a comment that does not end", begin));
  }

  godwit::Result<std::string> quoted() {
    const std::size_t begin = at_++;
    std::string out;
    for (; !done(); ++at_) {
      char c = next();
      if (c == '"') {
        ++at_;
        if (next() == '@') {  // RFC 8601 2.2 pvalue: "local part"@domain
          while (!done() && !ends_value(next())) out += text_[at_++];
        }
        return out;
      }
      if (c == '\\' && at_ + 1 < text_.size()) c = text_[++at_];
      if (c != '\r' && c != '\n') out += c;  // RFC 5322 3.2.2: a fold is no part of it
    }
    return fail(Error::syntax("a quoted string that does not end", begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// RFC 8601 2.2 methodspec, behind the ";". An empty method: "none", or nothing at all.
godwit::Result<MethodResult> read_method(Reader& in) {
  MethodResult out;
  GODWIT_TRY(in.space());
  const std::size_t begin = in.at();
  std::string word = in.keyword();
  GODWIT_TRY(in.space());
  if (in.done() || in.next() == ';') {
    if (word.empty() || word == "none") return out;  // RFC 8601 2.2 no-result
    return fail(Error::syntax("a method without a result", begin));
  }
  if (word.empty()) return fail(Error::syntax("not the name of a method", begin));
  out.method = std::move(word);
  if (in.take('/')) {
    GODWIT_TRY(in.space());
    out.version = in.keyword();
    GODWIT_TRY(in.space());
  }
  if (!in.take('=')) return fail(Error::syntax("a method without =", in.at()));
  GODWIT_TRY(in.space());
  out.result = in.keyword();
  if (out.result.empty()) return fail(Error::syntax("a method without a result", in.at()));
  GODWIT_TRY(in.space(&out.comment));
  return out;
}

// RFC 8601 2.2 reasonspec or propspec
godwit::Result<> read_property(Reader& in, MethodResult& into) {
  const std::size_t begin = in.at();
  Property property;
  property.name = in.keyword();
  GODWIT_TRY(in.space());
  if (in.take('.')) {
    GODWIT_TRY(in.space());
    property.type = std::move(property.name);
    property.name = in.keyword();
    GODWIT_TRY(in.space());
  }
  if (property.name.empty() || !in.take('=')) return fail(Error::syntax("not a property", begin));
  GODWIT_TRY(in.space());
  GODWIT_ASSIGN(property.value, in.value());
  GODWIT_TRY(in.space());
  if (property.type.empty() && property.name == "reason") {
    into.reason = std::move(property.value);
    return {};
  }
  if (into.properties.size() == kMaxProperties) return fail(Error::permanent(Error::Cause::limit, "more than 50 properties"));
  into.properties.push_back(std::move(property));
  return {};
}

// Field names are compared without case; RFC 5322 4.5: white space may stand before the colon.
std::optional<std::string_view> body_of_ours(std::string_view field) {
  const std::size_t colon = field.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (!ascii_iequals(trim(field.substr(0, colon)), "authentication-results")) return std::nullopt;
  return field.substr(colon + 1);
}

}  // namespace

void MethodResult::add(std::string_view dotted, std::string value) {
  const std::size_t dot = dotted.find('.');
  if (value.empty() || dot == std::string_view::npos) return;
  properties.push_back({std::string(dotted.substr(0, dot)), std::string(dotted.substr(dot + 1)), std::move(value)});
}

std::string_view MethodResult::value(std::string_view type, std::string_view name) const {
  for (const Property& property : properties)
    if (property.type == type && property.name == name) return property.value;
  return {};
}

const MethodResult* Results::find(std::string_view method) const {
  const auto found = std::ranges::find(methods, method, &MethodResult::method);
  return found == methods.end() ? nullptr : &*found;
}

godwit::Result<Results> parse(std::string_view body) {
  if (body.size() > kMaxBytes) return fail(Error::permanent(Error::Cause::limit, "the field is longer than 64 KiB"));
  Reader in(body);
  Results out;
  GODWIT_TRY(in.space());
  GODWIT_ASSIGN(out.authserv_id, in.value());
  if (out.authserv_id.empty()) return fail(Error::syntax("there is no authserv-id", in.at()));
  GODWIT_TRY(in.space());
  out.version = in.keyword();
  GODWIT_TRY(in.space());
  if (!in.done() && in.next() != ';') return fail(Error::syntax("something else than a version behind the authserv-id", in.at()));
  while (in.take(';')) {
    GODWIT_ASSIGN(MethodResult method, read_method(in));
    while (!in.done() && in.next() != ';') GODWIT_TRY(read_property(in, method));
    if (method.method.empty()) continue;
    if (out.methods.size() == kMaxMethods) return fail(Error::permanent(Error::Cause::limit, "more than 200 methods"));
    out.methods.push_back(std::move(method));
  }
  if (!in.done()) return fail(Error::syntax("something behind the last result", in.at()));
  return out;
}

bool is_from(std::string_view body, std::string_view id) {
  Reader in(body);
  if (!in.space()) return true;  // a comment without end hides the name
  const auto name = in.value();
  return !name || ascii_iequals(*name, id);
}

std::string strip(std::string_view header, std::string_view id) {
  std::string out;
  out.reserve(header.size());
  for (std::size_t begin = 0; begin < header.size();) {
    const auto rest = header.substr(begin);
    if (rest.starts_with("\r\n") || rest.starts_with('\n')) return out += rest;  // the end of the header
    std::size_t end = begin;
    do {  // a field with its continuation lines
      end = header.find('\n', end);
      end = end == std::string_view::npos ? header.size() : end + 1;
    } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
    const auto field = header.substr(begin, end - begin);
    const auto body = body_of_ours(field);
    if (!body || !is_from(*body, id)) out += field;
    begin = end;
  }
  return out;
}

}  // namespace godwit::authres
