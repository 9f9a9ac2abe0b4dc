#pragma once
// Delivery status notifications: the message that tells a sender what became of his mail. RFC 3464 (the report), RFC 6522
// (multipart/report), RFC 3461 6 (what a DSN must say), RFC 6533 (international ones), RFC 3834 (Auto-Submitted).
//
// A pure function of its input: no clock, no randomness (the caller passes Date, boundary and Message-ID). Any thread.
// Every text may come from a stranger (a remote server, a client): it is sanitised here, so that it can neither add header
// fields nor end a MIME part. The result has CRLF line ends, no line over 998 bytes, and its boundary in no part.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::dsn {

class Texts;

using Time = std::chrono::sys_time<std::chrono::milliseconds>;  // the same type as godwit::WallTime

enum class Action : std::uint8_t { failed, delayed, delivered, relayed, expanded };  // RFC 3464 2.3.3
std::string_view to_string(Action action);

struct Recipient {
  std::string address;  // final recipient, as in the envelope of the failed attempt: "anna@example.org"
  std::string orcpt;    // RFC 3461 4.2, as received (xtext): "rfc822;bob+2Btag@example.org"; "" if none was given
  Action action = Action::failed;
  std::string status;       // "5.1.1"; anything that is no status code of the action's class becomes 5.0.0, 4.0.0 or 2.0.0
  std::string remote_mta;   // who said so: "mx.example.net" or "192.0.2.1:25"; "" if nobody outside did
  std::string diagnostic;   // its own words: "550 5.1.1 No such user"; "" if it said none
  std::string log_id;       // of the message here, where this is where it ended; "" otherwise
  std::string explanation;  // what happened in our words (queue::Outcome::text); "" = from the status alone
  std::optional<Time> last_attempt;
  std::optional<Time> will_retry_until;  // delayed only
};

// The server that handed us the original: RFC 3464 2.2.4. Empty where a program of this machine did.
struct ReceivedFrom {
  std::string name;     // as it called itself
  std::string address;  // "[192.0.2.7]"
};

struct Input {
  std::string reporting_mta;    // our host name: Reporting-MTA, and MAILER-DAEMON@ it in From
  std::string to;               // the reverse path of the original message; never empty (RFC 5321 6.1: no report to <>)
  Time date{};                  // of the report
  std::string message_id;       // left of the @, unique: "dsn-<id>"
  std::string boundary;         // random; made longer where it occurs in a part
  std::optional<Time> arrival;  // when the original was accepted
  ReceivedFrom received_from;
  std::string envid;                  // RFC 3461 4.4, as received (xtext); "" if none
  std::vector<Recipient> recipients;  // at least one

  // A report that its sender cannot get (there is none, or his address is refused) goes to the postmaster: a sentence that says why.
  // Then `to` is the postmaster's address, and the text speaks to him.
  std::string to_postmaster_because;

  // The original as it was queued (with the fields that we added in front). Headers: the first 64 KiB are enough; what follows the
  // empty line, and an incomplete last line, are left out. Full (RET=FULL and a failure): the whole message.
  std::string_view original;
  // What people read, and in which language: texts.h. Null: as shipped.
  const Texts* texts = nullptr;
  std::string tenant;  // whose mail it was: a domain of ours, or ""

  bool original_is_full = false;  // falls back to the headers when the message cannot lie in a report (lines over 998, NUL, bare CR or LF)
};

struct Report {
  std::string bytes;       // the complete message
  std::string message_id;  // "<dsn-1@mx1.example.org>"
  bool eight_bit = false;  // needs BODY=8BITMIME
  bool smtputf8 = false;   // needs SMTPUTF8
};

Report build_report(const Input& input);

// Originals up to this size are worth returning whole; the caller passes the headers of longer ones (RFC 3461 6.2 allows it).
inline constexpr std::size_t kFullLimit = 256 * 1024;
inline constexpr std::size_t kHeaderLimit = 64 * 1024;

}  // namespace godwit::dsn
