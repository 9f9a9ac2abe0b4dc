#pragma once
// What the server says: every fixed text of a reply in one place. Response codes: RFC 2449 8, RFC 3206.

#include <array>
#include <string_view>

#include "edge/net/connection_limits.h"

namespace godwit::pop3d::text {

// after +OK
inline constexpr std::string_view kSendPassword = "send your password";
inline constexpr std::string_view kBeginTls = "begin TLS negotiation";
inline constexpr std::string_view kCapabilities = "capabilities follow";
inline constexpr std::string_view kUtf8 = "UTF-8 it is";
inline constexpr std::string_view kLanguages = "languages follow";
inline constexpr std::string_view kLanguageChosen = "the texts are in English";  // behind the tag
inline constexpr std::string_view kNothingDone = "";
inline constexpr std::string_view kMarked = "marked as deleted";
inline constexpr std::string_view kUnmarked = "nothing is marked as deleted any more";
inline constexpr std::string_view kBye = "good bye";

// after -ERR
inline constexpr std::string_view kUnknownCommand = "unknown command";
inline constexpr std::string_view kLineTooLong = "line too long";
inline constexpr std::string_view kTooManyErrors = "too many errors";
inline constexpr std::string_view kLogInFirst = "log in first";
inline constexpr std::string_view kLoggedInAlready = "not after the login";
inline constexpr std::string_view kUserFirst = "USER comes first";
inline constexpr std::string_view kEncryptFirst = "passwords only inside TLS: STLS comes first";
inline constexpr std::string_view kNotUtf8 = "not UTF-8";
inline constexpr std::string_view kTlsActive = "TLS is active already";
inline constexpr std::string_view kNoTls = "TLS is not available";
inline constexpr std::string_view kUnknownMechanism = "this mechanism is not available";
inline constexpr std::string_view kNotBase64 = "not base64";
inline constexpr std::string_view kAuthMalformed = "malformed response";
inline constexpr std::string_view kAuthCancelled = "authentication cancelled";
inline constexpr std::string_view kWrongPassword = "[AUTH] wrong name or password";
inline constexpr std::string_view kTooManyWrongPasswords = "[AUTH] too many wrong passwords";
inline constexpr std::string_view kTooEarly = "[LOGIN-DELAY] too soon after the last login; try again later";
inline constexpr std::string_view kNoSuchLanguage = "there are no texts in this language";
inline constexpr std::string_view kLoginUnavailable = "[SYS/TEMP] passwords cannot be checked now; try again later";
inline constexpr std::string_view kMaildropUnavailable = "[SYS/TEMP] the maildrop cannot be opened now; try again later";
inline constexpr std::string_view kMaildropGone = "[SYS/PERM] there is no maildrop any more";
inline constexpr std::string_view kNoSuchMessage = "no such message";
inline constexpr std::string_view kDeleted = "the message is marked as deleted";
inline constexpr std::string_view kRemovedMeanwhile = "another session has removed the message";
inline constexpr std::string_view kMessageUnavailable = "[SYS/TEMP] the message cannot be read now; try again later";
inline constexpr std::string_view kMessageDamaged = "[SYS/PERM] the message is damaged on the server's disk";
inline constexpr std::string_view kRecordLost =
    "[SYS/PERM] the server has lost the record of this message; tell the administrator, whom \"godwit store verify\" shows more";
inline constexpr std::string_view kNotAllRemoved = "[SYS/TEMP] some deleted messages were not removed";
inline constexpr std::string_view kStopping = "[SYS/TEMP] the server is stopping";

// What LANG may choose; the first is the one of `LANG *`.
struct Language {
  std::string_view tag;
  std::string_view name;
};
inline constexpr std::array<Language, 2> kOurLanguages = {{{"en", "English"}, {"i-default", "English"}}};

inline std::string_view too_many_connections(net::ConnectionLimits::Refusal why) {
  return why == net::ConnectionLimits::Refusal::in_all ? "[SYS/TEMP] too many connections to this server; try again later"
                                                       : "[SYS/TEMP] too many connections from your address; close some, then try again";
}

}  // namespace godwit::pop3d::text
