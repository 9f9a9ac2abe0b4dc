#pragma once
// POP3 commands: RFC 1939, CAPA (RFC 2449), STLS (RFC 2595), AUTH (RFC 5034), UTF8 and LANG (RFC 6856). A pure function, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::pop3 {

enum class Verb : std::uint8_t { user, pass, auth, stls, capa, utf8, lang, stat, list, retr, top, dele, uidl, rset, noop, quit };
inline constexpr std::size_t kVerbs = 16;
std::string_view to_string(Verb verb);  // "USER"

struct Command {
  Verb verb = Verb::noop;
  std::string text;                             // USER: name; PASS: password; AUTH: mechanism in upper case; LANG: range. "" = list them
  std::optional<std::string> initial_response;  // AUTH: still base64; "" for "=" (RFC 5034 4)
  std::optional<std::uint32_t> message;         // LIST, UIDL: if given; RETR, TOP, DELE: always. At least 1
  std::uint32_t lines = 0;                      // TOP
};

// `line` comes without CRLF. Errors: `unsupported` for a keyword that we do not know, else `syntax` with the rule.
// Keywords in any case; blanks at the end are passed over, but not in a password (RFC 1939 7: PASS may contain them).
Result<Command> parse_command(std::string_view line);

}  // namespace godwit::pop3
