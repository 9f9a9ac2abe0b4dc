#pragma once
// The values of RET, ENVID, NOTIFY and ORCPT: RFC 3461 4, RFC 6533 3. Shared by the commands of SMTP, the sendmail command (-R, -V, -N)
// and whoever hands them on to another server. Pure functions, any thread; an error has the offset and the rule.

#include <optional>
#include <string>
#include <string_view>

#include "grammar/smtp/command.h"

namespace godwit::smtp {

inline constexpr std::size_t kMaxEnvid = 100;  // RFC 3461 4.4
inline constexpr std::size_t kMaxOrcpt = 500;  // RFC 3461 4.2

// "FULL" or "HDRS", in any case.
Result<Ret> parse_ret(std::string_view value);
// "NEVER", or a list of SUCCESS, FAILURE and DELAY, in any case.
Result<Notify> parse_notify(std::string_view value);
// "SUCCESS,DELAY": as it goes on the wire; "" for one that was not given.
std::string format_notify(const Notify& notify);

// xtext of printable ASCII.
Result<void> check_envid(std::string_view value);
// "type;xtext" of printable ASCII, or "utf-8;" and the address in one of the forms of RFC 6533 3.
Result<void> check_orcpt(std::string_view value);

// The ORCPT of an address as RCPT gave it: "rfc822;..." in xtext, or "utf-8;..." as it is in UTF-8.
std::string orcpt_of(std::string_view address);
// For a server without SMTPUTF8: characters beyond ASCII as "\x{HEX}" (RFC 6533 3). Nothing if it gets longer than a server must take.
std::optional<std::string> orcpt_in_ascii(std::string_view orcpt);

}  // namespace godwit::smtp
