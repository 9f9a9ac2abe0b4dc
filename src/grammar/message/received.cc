#include "grammar/message/received.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::message {
namespace {

constexpr std::size_t kMaxColumn = 78;  // RFC 5322 2.1.1; the last of them is for the semicolon
constexpr std::size_t kMaxWord = 255;

// Words separated by one space, or by a fold where the line would get too long.
class Folder {
 public:
  explicit Folder(std::string start) : out_(std::move(start)), column_(out_.size()) {}

  void word(std::string_view word) {
    if (column_ + 1 + word.size() >= kMaxColumn && column_ > 1)
      fold();
    else if (column_ > 1) {
      out_.push_back(' ');
      ++column_;
    }
    out_.append(word);
    column_ += word.size();
  }
  void fold() {
    out_.append("\r\n\t");
    column_ = 1;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t column_;
};

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':' ||
         c == '[' || c == ']';
}

// One word of harmless characters whatever came in.
std::string host_word(std::string_view text) {
  std::string out(text.substr(0, kMaxWord));
  std::ranges::replace_if(out, [](char c) { return !is_host_char(c); }, '?');
  return out.empty() ? "unknown" : out;
}

// For clauses of ours: letters, digits and what names of ciphers, accounts and ids are made of.
std::string plain_word(std::string_view text) {
  std::string out(text.substr(0, kMaxWord));
  std::ranges::replace_if(
      out, [](char c) { return !is_host_char(c) && std::string_view("@+=/!#$%&'*^`{|}~").find(c) == std::string_view::npos; }, '?');
  return out;
}

// RFC 5321 4.4 For: a path. What could break the clause (quoted local parts with blanks, brackets) stays out altogether.
bool fits_for_clause(const Received& received) {
  const auto text = received.recipient;
  const bool utf8 = received.smtputf8;  // RFC 6531 3.7.3: only then beyond ASCII
  return !text.empty() && text.size() <= kMaxWord && std::ranges::none_of(text, [utf8](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 127 || (byte > 127 && !utf8) || c == '<' || c == '>' || c == '"' || c == '(' || c == ')' || c == '\\' ||
           c == ';';
  });
}

void add_from(Folder& folder, const Received& received) {
  folder.word("from");
  folder.word(host_word(received.helo));
  const std::string literal = received.client != nullptr ? received.client->literal() : std::string();
  if (literal.empty()) return;
  if (received.client_name.empty()) {
    folder.word(fmt::format("({})", literal));
  } else {
    folder.word(fmt::format("({}", host_word(received.client_name)));
    folder.word(fmt::format("{})", literal));
  }
}

}  // namespace

std::string_view with_keyword(const Received& received) {
  const unsigned security = (received.tls ? 1u : 0u) + (received.authenticated ? 2u : 0u);
  using Row = std::string_view[4];
  // RFC 3848 and RFC 6531 4.3; AUTH is A, STARTTLS (and TLS from the first byte) is S
  static constexpr Row kEsmtp = {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};
  static constexpr Row kLmtp = {"LMTP", "LMTPS", "LMTPA", "LMTPSA"};
  static constexpr Row kUtf8Smtp = {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
  static constexpr Row kUtf8Lmtp = {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"};
  if (received.lmtp) return (received.smtputf8 ? kUtf8Lmtp : kLmtp)[security];
  if (received.smtputf8) return kUtf8Smtp[security];
  return received.esmtp || security != 0 ? kEsmtp[security] : "SMTP";
}

std::string format_received(const Received& received) {
  Folder folder("Received:");
  const bool network = received.client != nullptr;
  if (network || !received.helo.empty()) {
    add_from(folder, received);
    if (!received.identity.empty()) folder.word(fmt::format("(authenticated:{})", plain_word(received.identity)));
    folder.fold();
  }
  folder.word("by");
  folder.word(host_word(received.by));
  if (received.uid && !network) folder.word(fmt::format("(from uid {})", *received.uid));
  if (network) {
    folder.word("with");
    folder.word(with_keyword(received));
  }
  if (!received.id.empty()) {
    folder.word("id");
    folder.word(plain_word(received.id));
  }
  if (fits_for_clause(received)) {
    folder.fold();
    folder.word("for");
    folder.word(fmt::format("<{}>", received.recipient));
  }
  if (network && received.tls && !received.tls_cipher.empty()) {
    folder.fold();
    // RFC 8314 7.4: the registered clause "tls"
    folder.word("tls");
    folder.word(plain_word(received.tls_cipher));
    if (!received.tls_version.empty()) folder.word(fmt::format("({})", plain_word(received.tls_version)));
  }
  std::string out = folder.take();
  out += ";\r\n\t" + format_date(received.date) + "\r\n";
  return out;
}

}  // namespace godwit::message
