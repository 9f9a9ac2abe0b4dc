#pragma once
// SMTP command lines: RFC 5321 4.1.1, with the parameters of RFC 1870, 3030, 3461, 4954, 6152 and 6531.
//
// A session calls split_command() for the verb, then the verb's parse function with the arguments; parse_command() does
// both. Lines come without CRLF; how long they may be is the session's business. Pure functions, values; any thread.
// The grammar knows parameters that a server may not have announced (DSN): the session decides what it offers.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "grammar/smtp/path.h"
#include "grammar/smtp/reply.h"

namespace godwit::smtp {

enum class Verb : std::uint8_t {
  ehlo,
  helo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  xclient,
  unknown
};

std::string_view to_string(Verb verb);  // "EHLO"; "unknown"

// The line taken apart; views into it.
struct CommandLine {
  Verb verb = Verb::unknown;
  std::string_view name;       // the verb as written
  std::string_view arguments;  // what follows the first space, without trailing white space
  std::size_t offset = 0;      // of the arguments in the line
};
CommandLine split_command(std::string_view line);

// Why a command line is refused. `reply()` can go on the wire: 501 says what is wrong and where, 555 names the parameter.
struct CommandError {
  std::uint16_t code = 501;
  EnhancedCode enhanced{5, 5, 4};
  std::string rule;          // what the grammar wanted, one sentence without final stop
  std::size_t position = 0;  // offset in the text that was parsed (the arguments; parse_command: the line)

  Reply reply() const;
};
template <class T>
using Parsed = std::expected<T, CommandError>;

// EHLO, HELO, LHLO. Anything of printable ASCII is taken (RFC 5321 4.1.4: a server must not refuse for a bad name).
struct Hello {
  std::string name;          // as given, at most 255 bytes
  bool well_formed = false;  // a domain or an address literal as the grammar wants it
};

enum class Body : std::uint8_t { unset, seven_bit, eight_bit_mime };  // RFC 6152
enum class Ret : std::uint8_t { unset, full, headers };               // RFC 3461 4.3

struct Mail {
  ReversePath path;
  std::optional<std::uint64_t> size;  // RFC 1870
  Body body = Body::unset;
  bool smtputf8 = false;  // RFC 6531
  Ret ret = Ret::unset;
  std::string envid;        // RFC 3461 4.4, as received (xtext)
  bool auth_given = false;  // AUTH= (RFC 4954 5): its syntax is checked, its value is not kept
};

// RFC 3461 4.1
struct Notify {
  bool given = false;
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;
  auto operator<=>(const Notify&) const = default;
};

struct Rcpt {
  bool postmaster = false;  // RFC 5321 4.1.1.3: <Postmaster> without a domain; `address` is then empty
  Address address;
  bool needs_smtputf8 = false;  // bytes over 127 in the path: 553 5.6.7 unless MAIL had SMTPUTF8 (RFC 6531 3.5)
  Notify notify;
  std::string orcpt;  // RFC 3461 4.2, as received: "rfc822;Bob+40example.com"
};

struct Auth {
  std::string mechanism;                        // in upper case
  std::optional<std::string> initial_response;  // decoded; "=" is empty (RFC 4954 4)
};

struct Bdat {
  std::uint64_t size = 0;
  bool last = false;
};

struct Text {
  std::string text;  // VRFY, EXPN: what is asked for; HELP, NOOP, XCLIENT and unknown verbs: whatever follows
};

Parsed<Hello> parse_hello(std::string_view arguments);
Parsed<Mail> parse_mail(std::string_view arguments);  // "FROM:<a@b> SIZE=1"; 553 5.6.7 for UTF-8 without SMTPUTF8
Parsed<Rcpt> parse_rcpt(std::string_view arguments);  // "TO:<a@b> NOTIFY=NEVER"
Parsed<Auth> parse_auth(std::string_view arguments);
Parsed<Bdat> parse_bdat(std::string_view arguments);
Parsed<Text> parse_text(std::string_view arguments);     // VRFY, EXPN: 501 when empty
Parsed<void> parse_nothing(std::string_view arguments);  // DATA, RSET, QUIT, STARTTLS

struct Command {
  Verb verb = Verb::unknown;
  std::variant<std::monostate, Hello, Mail, Rcpt, Auth, Bdat, Text> arguments;
};
// Unknown verbs are values (the session answers 500 5.5.2), not errors.
Parsed<Command> parse_command(std::string_view line);

// RFC 3461 4 xtext: printable ASCII but for + and =, others as "+HH".
std::string xtext_encode(std::string_view bytes);
Result<std::string> xtext_decode(std::string_view text);

}  // namespace godwit::smtp
