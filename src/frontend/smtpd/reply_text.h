#pragma once
// Every reply of the dialogue itself, in one table: code, enhanced code (RFC 3463), fixed text. What intake decides is answered
// with intake's own words; causes go to the log.

#include <fmt/format.h>

#include <string_view>

#include "edge/net/connection_limits.h"
#include "grammar/smtp/data_reader.h"
#include "grammar/smtp/reply.h"

namespace godwit::smtpd::replies {

using smtp::Reply;

// the session
inline Reply greeting(std::string_view hostname) { return {220, {}, fmt::format("{} ESMTP Godwit", hostname)}; }
inline Reply goodbye(std::string_view hostname) { return {221, {2, 0, 0}, fmt::format("{} closing connection", hostname)}; }
inline Reply too_many_connections(net::ConnectionLimits::Refusal why) { return {421, {4, 7, 0}, std::string(to_sentence(why))}; }
// RFC 5321 3.8
inline Reply shutting_down(std::string_view hostname) {
  return {421, {4, 3, 2}, fmt::format("{} closing: the server is stopping", hostname)};
}
inline Reply timed_out() { return {421, {4, 4, 2}, "Timed out waiting for you, closing connection"}; }
inline Reply too_slow() { return {421, {4, 4, 2}, "The message comes too slowly, closing connection"}; }
inline Reply too_many_errors() { return {421, {4, 7, 0}, "Too many errors, closing connection"}; }
inline Reply too_many_refused_recipients(std::uint64_t refused) {
  return {421, {4, 7, 0}, fmt::format("{} recipients refused and none accepted, closing connection; check the addresses", refused)};
}
inline Reply internal_error() { return {421, {4, 3, 0}, "Internal error, closing connection"}; }

// command lines
inline Reply line_too_long() { return {500, {5, 5, 2}, "Line too long"}; }
inline Reply bare_lf_line() { return {500, {5, 5, 2}, "Line ends in a bare LF; lines must end in CRLF"}; }
inline Reply control_character() { return {500, {5, 5, 2}, "Control characters are not allowed in a command"}; }
inline Reply unknown_command() { return {500, {5, 5, 2}, "Command not recognised"}; }
inline Reply not_implemented() { return {502, {5, 5, 1}, "Command not implemented"}; }
inline Reply parameter_not_offered(std::string_view name) { return {555, {5, 5, 4}, fmt::format("{} is not offered here", name)}; }

// commands
inline Reply ok() { return {250, {2, 0, 0}, "Ok"}; }
inline Reply sender_ok() { return {250, {2, 1, 0}, "Ok"}; }
inline Reply hello_first() { return {503, {5, 5, 1}, "Send EHLO first"}; }
inline Reply mail_first() { return {503, {5, 5, 1}, "Send MAIL first"}; }
inline Reply nested_mail() { return {503, {5, 5, 1}, "A transaction is open already; send RSET first"}; }
inline Reply recipient_needs_smtputf8() { return {553, {5, 6, 7}, "An address beyond ASCII needs SMTPUTF8"}; }
inline Reply no_postmaster(std::string_view hostname) {
  return {550, {5, 1, 1}, fmt::format("No domain of {} is served here; write to postmaster@ one that is", hostname)};
}
inline Reply directory_unavailable() { return {451, {4, 3, 0}, "The recipient cannot be checked now; try again later"}; }
// RFC 5321 3.5.3: what may be said when nothing is told
inline Reply cannot_verify() { return {252, {2, 5, 0}, "Cannot VRFY user, but will accept a message and attempt delivery"}; }
inline Reply no_lists() { return {502, {5, 5, 1}, "EXPN is not implemented"}; }

// STARTTLS, RFC 3207 4
inline Reply ready_for_tls() { return {220, {2, 0, 0}, "Ready to start TLS"}; }
inline Reply tls_active() { return {503, {5, 5, 1}, "TLS is active already"}; }
inline Reply tls_not_offered() { return {502, {5, 5, 1}, "STARTTLS is not offered here"}; }
inline Reply tls_first() { return {530, {5, 7, 0}, "Must issue a STARTTLS command first"}; }

// AUTH, RFC 4954 4 and 6
inline Reply authenticated() { return {235, {2, 7, 0}, "Authentication succeeded"}; }
inline Reply authentication_required() { return {530, {5, 7, 0}, "Authentication required"}; }
inline Reply bad_credentials() { return {535, {5, 7, 8}, "Authentication credentials invalid"}; }
inline Reply too_many_failures() { return {421, {4, 7, 0}, "Too many failed authentications, closing connection"}; }
inline Reply encryption_required() { return {538, {5, 7, 11}, "Encryption required: send STARTTLS first"}; }
inline Reply auth_not_offered() { return {502, {5, 5, 1}, "AUTH is offered on the submission ports alone"}; }
inline Reply authenticated_already() { return {503, {5, 5, 1}, "Authenticated already"}; }
inline Reply auth_in_transaction() { return {503, {5, 5, 1}, "AUTH is not allowed during a transaction"}; }
inline Reply unknown_mechanism() { return {504, {5, 5, 4}, "Mechanism not supported; there are PLAIN and LOGIN"}; }
inline Reply auth_cancelled() { return {501, {5, 7, 0}, "Authentication cancelled"}; }
inline Reply auth_not_base64() { return {501, {5, 5, 2}, "Response is not valid base64"}; }
inline Reply auth_malformed() { return {501, {5, 5, 2}, "Response is not what the mechanism wants"}; }
inline Reply auth_line_too_long() { return {500, {5, 5, 6}, "Authentication exchange line is too long"}; }
inline Reply auth_unavailable() { return {454, {4, 7, 0}, "Authentication is not possible now, try again later"}; }

// DATA: RFC 5321 2.3.8 and 4.1.1.4. Said after the real end of the message.
inline Reply forbidden_bytes(smtp::Violation violation, std::uint64_t at) {
  return {550, {5, 6, 0}, fmt::format("Message contains a {} at byte {}; lines must end in CRLF", to_string(violation), at)};
}
inline Reply forbidden_nul(std::uint64_t at) { return {550, {5, 6, 0}, fmt::format("Message contains a NUL at byte {}", at)}; }

// Nothing goes on the wire: nobody is there to hear it.
inline Reply silence() { return {}; }

}  // namespace godwit::smtpd::replies
