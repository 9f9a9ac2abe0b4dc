#pragma once
// How a command ends: the tagged status response (RFC 9051 7.1), and the fixed texts of all of them in one place.

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace godwit::imapd {

struct Reply {
  enum class Kind : std::uint8_t { ok, no, bad };

  Kind kind = Kind::ok;
  std::string code;  // "[TRYCREATE] ", with brackets and the blank behind; or ""
  std::string text;

  static Reply ok(std::string_view text, std::string code = {}) { return {Kind::ok, std::move(code), std::string(text)}; }
  static Reply no(std::string_view text, std::string code = {}) { return {Kind::no, std::move(code), std::string(text)}; }
  static Reply bad(std::string_view text, std::string code = {}) { return {Kind::bad, std::move(code), std::string(text)}; }
};

// Codes: RFC 9051 7.1, RFC 5530, RFC 9208.
namespace code {
inline constexpr const char* kAlreadyExists = "[ALREADYEXISTS] ";
inline constexpr const char* kAuthenticationFailed = "[AUTHENTICATIONFAILED] ";
inline constexpr const char* kCannot = "[CANNOT] ";
inline constexpr const char* kClientBug = "[CLIENTBUG] ";
inline constexpr const char* kContactAdmin = "[CONTACTADMIN] ";
inline constexpr const char* kExpungeIssued = "[EXPUNGEISSUED] ";
inline constexpr const char* kHasChildren = "[HASCHILDREN] ";
inline constexpr const char* kInUse = "[INUSE] ";
inline constexpr const char* kLimit = "[LIMIT] ";
inline constexpr const char* kNonExistent = "[NONEXISTENT] ";
inline constexpr const char* kNoPerm = "[NOPERM] ";
inline constexpr const char* kOverQuota = "[OVERQUOTA] ";
inline constexpr const char* kPrivacyRequired = "[PRIVACYREQUIRED] ";
inline constexpr const char* kServerBug = "[SERVERBUG] ";
inline constexpr const char* kTryCreate = "[TRYCREATE] ";
inline constexpr const char* kUnavailable = "[UNAVAILABLE] ";
inline constexpr const char* kUseAttr = "[USEATTR] ";
}  // namespace code

namespace text {
inline constexpr std::string_view kNoMailbox = "There is no mailbox of that name";
inline constexpr std::string_view kNoMailboxNow = "The mailbox has been deleted meanwhile";
inline constexpr std::string_view kReadOnly = "The mailbox is open for reading alone: SELECT it";
inline constexpr std::string_view kMessagesGone = "Some of the messages have been expunged meanwhile";
inline constexpr std::string_view kUnreadable =
    "Some messages cannot be read: they are damaged on the server's disk. \"godwit store verify\" shows the administrator more";
inline constexpr std::string_view kBadSequence = "There are not that many messages";
inline constexpr std::string_view kEncryptFirst = "Passwords only inside TLS: STARTTLS comes first";
inline constexpr std::string_view kWrongPassword = "Wrong name or password";
inline constexpr std::string_view kLoginUnavailable = "Passwords cannot be checked now; try again later";
inline constexpr std::string_view kStopping = "The server is stopping";
inline constexpr std::string_view kOverQuota =
    "The mailboxes are full: delete mail that is not needed, or ask the administrator for more room";
}  // namespace text

// What the store could not do, as NO: gone, full, conflict, or broken on our side.
Reply reply_to(const Error& error);

}  // namespace godwit::imapd
