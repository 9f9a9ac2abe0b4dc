#include "grammar/message/address.h"

#include <algorithm>

#include "base/utf8.h"
#include "grammar/message/lexer.h"

namespace godwit::message {
namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxMailboxes = 10'000;

// A piece of a phrase or of a local part: which of them it is shows only at what follows.
struct Token {
  enum class Kind : std::uint8_t { word, dot } kind = Kind::word;
  std::string text;
  bool space_before = false;
  std::size_t position = 0;
};

// 1*(atom / quoted-string / "." / CFWS), up to the first special.
Result<std::vector<Token>> take_tokens(Lexer& lexer) {
  std::vector<Token> out;
  for (;;) {
    GODWIT_TRY(lexer.skip_cfws());
    Token token;
    token.space_before = lexer.skipped();
    token.position = lexer.position();
    if (lexer.take('.')) {
      token.kind = Token::Kind::dot;
      token.text = ".";
    } else if (lexer.peek() == '"') {
      GODWIT_ASSIGN(token.text, lexer.take_quoted_string());
    } else {
      token.text = lexer.take_atom();
      if (token.text.empty()) return out;
    }
    out.push_back(std::move(token));
  }
}

std::string to_phrase(const std::vector<Token>& tokens) {
  std::string out;
  for (const auto& token : tokens) {
    if (token.space_before && !out.empty()) out.push_back(' ');
    out += token.text;
  }
  return out;
}

std::unexpected<Error> wrong(const char* rule, std::size_t position) { return fail(Error::syntax(rule, position)); }

// RFC 5322 4.4: obs-local-part = word *("." word)
Result<std::string> to_local_part(const std::vector<Token>& tokens, std::size_t end) {
  std::string out;
  bool word = false;
  for (const auto& token : tokens) {
    const bool is_word = token.kind == Token::Kind::word;
    if (is_word && word) return wrong("a dot stands between the words of a local part", token.position);
    if (!is_word && !word) return wrong("a local part has no dot at its beginning and no two in a row", token.position);
    word = is_word;
    out += token.text;
  }
  if (tokens.empty()) return wrong("the local part is missing", end);
  if (!word) return wrong("a local part does not end with a dot", end);
  if (!is_utf8(out)) return wrong("the local part is not UTF-8", tokens.front().position);
  return out;
}

// RFC 5322 4.4: obs-domain = atom *("." atom); a domain literal; CFWS around all of them. From behind the @.
Result<std::string> take_domain(Lexer& lexer) {
  GODWIT_TRY(lexer.skip_cfws());
  std::string out;
  if (lexer.peek() == '[') {
    GODWIT_ASSIGN(out, lexer.take_domain_literal());
    GODWIT_TRY(lexer.skip_cfws());
    return out;
  }
  for (;;) {
    const std::size_t begin = lexer.position();
    const auto label = lexer.take_atom();
    if (label.empty()) return lexer.error(out.empty() ? "the domain is missing" : "a label of the domain is missing");
    // RFC 5322 3.4.1: it is read as an Internet domain name, RFC 1123 2.1: no hyphen at either end of a label
    if (label.front() == '-' || label.back() == '-') return wrong("a label of a domain neither begins nor ends with a hyphen", begin);
    if (!is_utf8(label)) return wrong("the domain is not UTF-8", begin);
    out += label;
    GODWIT_TRY(lexer.skip_cfws());
    if (!lexer.take('.')) return out;
    GODWIT_TRY(lexer.skip_cfws());
    out.push_back('.');
  }
}

Result<Mailbox> to_addr_spec(Lexer& lexer, const std::vector<Token>& tokens) {
  Mailbox out;
  if (!lexer.take('@')) return lexer.error("an address has an @ and a domain");
  GODWIT_ASSIGN(out.local, to_local_part(tokens, lexer.position() - 1));
  GODWIT_ASSIGN(out.domain, take_domain(lexer));
  return out;
}

// RFC 5322 4.4: obs-route = obs-domain-list ":"
Result<std::string> take_route(Lexer& lexer) {
  std::string out;
  while (!lexer.take(':')) {
    GODWIT_TRY(lexer.skip_cfws());
    if (lexer.take(',')) continue;
    if (lexer.peek() == ':') continue;
    if (!lexer.take('@')) return lexer.error("a route is a list of @domain");
    GODWIT_ASSIGN(const std::string domain, take_domain(lexer));
    out += out.empty() ? "@" : ",@";
    out += domain;
  }
  return out;
}

// From "<" to ">".
Result<Mailbox> take_angle_addr(Lexer& lexer) {
  lexer.advance();
  GODWIT_TRY(lexer.skip_cfws());
  std::string route;
  if (lexer.peek() == '@') {
    GODWIT_ASSIGN(route, take_route(lexer));
  }
  GODWIT_ASSIGN(const auto tokens, take_tokens(lexer));
  GODWIT_ASSIGN(Mailbox out, to_addr_spec(lexer, tokens));
  out.route = std::move(route);
  lexer.forget_comment();
  if (!lexer.take('>')) return lexer.error("the closing > is missing");
  GODWIT_TRY(lexer.skip_cfws());
  return out;
}

// name-addr / addr-spec, when `tokens` have been read.
Result<Mailbox> take_mailbox(Lexer& lexer, const std::vector<Token>& tokens) {
  if (lexer.peek() == '<') {
    GODWIT_ASSIGN(Mailbox out, take_angle_addr(lexer));
    out.display_name = tokens.empty() ? lexer.comment() : to_phrase(tokens);
    return out;
  }
  GODWIT_ASSIGN(Mailbox bare, to_addr_spec(lexer, tokens));
  if (lexer.peek() == '<') {
    // RFC 5322 3.4 DEVIATES: Outlook and web forms write the address unquoted as the name: a@example.org <a@example.org>
    GODWIT_ASSIGN(Mailbox out, take_angle_addr(lexer));
    out.display_name = bare.addr_spec();
    return out;
  }
  bare.display_name = lexer.comment();  // RFC 822's way: jdoe@example.org (John Doe)
  return bare;
}

Result<void> take_entry(Lexer& lexer, AddressList& list, std::string& group, bool& in_group) {
  lexer.forget_comment();
  GODWIT_ASSIGN(const auto tokens, take_tokens(lexer));
  const char next = lexer.peek();
  if (tokens.empty() && (lexer.at_end() || next == ',' || next == ';')) return {};  // RFC 5322 4.4: empty entries
  if (next == ':' && !tokens.empty()) {
    if (in_group) return lexer.error("a group stands in no other group");
    lexer.advance();
    group = to_phrase(tokens);
    in_group = list.has_group = true;
    return take_entry(lexer, list, group, in_group);  // once: in_group is set
  }
  GODWIT_ASSIGN(Mailbox mailbox, take_mailbox(lexer, tokens));
  if (list.mailboxes.size() == kMaxMailboxes) return fail(Error::permanent(Error::Cause::limit, "more than 10,000 addresses in one field"));
  mailbox.group = group;
  list.mailboxes.push_back(std::move(mailbox));
  return {};
}

}  // namespace

std::string Mailbox::addr_spec() const {
  std::string out;
  bool plain = true;
  char before = '.';
  for (const char c : local) {
    if (!is_atext(c) && (c != '.' || before == '.')) plain = false;
    before = c;
  }
  if (plain && before != '.') return local + "@" + domain;
  out.push_back('"');
  for (const char c : local) {
    if (c == '"' || c == '\\' || (c >= 0 && c < 32) || c == 127) out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"@" + domain;
}

Result<AddressList> parse_address_list(std::string_view text) {
  if (text.size() > kMaxText) return fail(Error::permanent(Error::Cause::limit, "a list of addresses of more than 64 KiB"));
  AddressList out;
  Lexer lexer(text);
  std::string group;
  bool in_group = false;
  for (;;) {
    GODWIT_TRY(take_entry(lexer, out, group, in_group));
    if (in_group && lexer.take(';')) {
      in_group = false;
      group.clear();
      GODWIT_TRY(lexer.skip_cfws());
    }
    if (lexer.at_end()) break;
    if (!lexer.take(',')) return lexer.error("a comma separates addresses");
  }
  if (in_group) return lexer.error("a group ends with a semicolon");
  return out;
}

Result<Mailbox> parse_addr_spec(std::string_view text) {
  if (text.size() > kMaxText) return fail(Error::permanent(Error::Cause::limit, "an address of more than 64 KiB"));
  Lexer lexer(text);
  GODWIT_ASSIGN(const auto tokens, take_tokens(lexer));
  GODWIT_ASSIGN(Mailbox out, to_addr_spec(lexer, tokens));
  if (!lexer.at_end()) return lexer.error("something follows the address");
  return out;
}

}  // namespace godwit::message
