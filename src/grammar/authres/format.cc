#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/authres/authres.h"

namespace godwit::authres {
namespace {

constexpr std::size_t kColumns = 78;    // RFC 5322 2.1.1
constexpr std::size_t kMaxValue = 900;  // RFC 5322 2.1.1: a line has at most 998
constexpr std::string_view kName = "Authentication-Results:";

bool is_alnum(char c) {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}
bool is_keyword(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}
// RFC 2045 5.1 token without its rarer bytes
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`{|}~").find(c) != std::string_view::npos;
  });
}
// RFC 8601 2.2 pvalue: [ [ local-part ] "@" ] domain-name
bool is_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  return at != std::string_view::npos && (at == 0 || is_token(text.substr(0, at))) && is_token(text.substr(at + 1)) &&
         !text.starts_with('.') && !text.substr(0, at).ends_with('.') && text.find("..") == std::string_view::npos;
}

std::string clean(std::string_view text) {
  std::size_t end = std::min(text.size(), kMaxValue);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string out(text.substr(0, end));
  const bool readable = is_utf8(out);
  std::ranges::replace_if(
      out, [&](char c) { return static_cast<unsigned char>(c) < 32 || c == 127 || (!readable && static_cast<unsigned char>(c) > 127); },
      '?');
  return out;
}

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : clean(text)) {
    if (c == '\\' || special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string value_text(std::string_view text) {
  if (text.size() <= kMaxValue && (is_token(text) || is_address(text))) return std::string(text);
  return '"' + escaped(text, "\"") + '"';
}

class Folder {
 public:
  explicit Folder(std::size_t column) : column_(column) {}

  void word(std::string_view word, bool new_line) {
    if (!out_.empty() && (new_line || column_ + 1 + word.size() > kColumns)) {
      out_ += "\r\n\t";
      column_ = 8;
    } else {
      out_ += ' ';
      ++column_;
    }
    out_ += word;
    column_ += word.size();
  }
  void glue(char c) {
    out_ += c;
    ++column_;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t column_;
};

void write_comment(Folder& out, std::string_view comment) {
  const std::string text = '(' + escaped(comment, "()") + ')';
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) out.word(std::string_view(text).substr(begin, end - begin), false);
    begin = end + 1;
  }
}

void write_method(Folder& out, const MethodResult& method) {
  out.glue(';');
  out.word(method.method + (is_keyword(method.version) ? "/" + method.version : "") + "=" + method.result, true);
  if (!method.comment.empty()) write_comment(out, method.comment);
  if (!method.reason.empty()) out.word("reason=" + value_text(method.reason), false);
  for (const Property& property : method.properties)
    if (is_keyword(property.type) && is_keyword(property.name))
      out.word(property.type + "." + property.name + "=" + value_text(property.value), false);
}

}  // namespace

std::string format_body(const Results& results, std::size_t column) {
  Folder out(column);
  // RFC 8601 2.2 authserv-id: a value, so no address without quotes
  out.word(is_token(results.authserv_id) ? results.authserv_id : '"' + escaped(results.authserv_id, "\"") + '"', false);
  if (is_keyword(results.version)) out.word(results.version, false);
  bool any = false;
  for (const MethodResult& method : results.methods) {
    if (!is_keyword(method.method) || !is_keyword(method.result)) continue;
    write_method(out, method);
    any = true;
  }
  if (!any) {  // RFC 8601 2.2 no-result
    out.glue(';');
    out.word("none", false);
  }
  return out.take();
}

std::string format(const Results& results) { return std::string(kName) + format_body(results, kName.size()) + "\r\n"; }

}  // namespace godwit::authres
