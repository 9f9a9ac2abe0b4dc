#pragma once
// How `sendmail` hands a message over: on submit.sock, and as a file in the maildrop while the server is down.
// docs/formats/submit.md. A grammar of our own, because it must stream and is read from people who mean us harm.
//
//   submit 1                    the version; every line ends in LF
//   from ann@example.org        sender as given; "from" alone is the null path; without the line: the caller
//   to root                     one or more; with or without a domain
//   login ann                   the caller's name, for a sender without a domain of his own
//   author Ann Example          add a From field with this name ("author" alone: without one)
//   to-notify success           RFC 3461 4.1, for the recipient above alone
//   to-orcpt rfc822;root        RFC 3461 4.2, for the recipient above
//   notify never                RFC 3461 4.1, for all other recipients
//   ret hdrs                    RFC 3461 4.3
//   envid QQ314159              RFC 3461 4.4, xtext
//   size 1234                   bytes of the message
//   8bit                        there are bytes over 127 in it
//                               an empty line
//   512                         chunks: decimal size, LF, so many bytes; "0" ends the message
//
// The message has CRLF line ends alone, no NUL, and ends in CRLF. On the socket the server answers the empty line with an SMTP reply
// (354: go on) and the final "0" with another. Pure; values; any thread.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::submit {

inline constexpr std::size_t kMaxLine = 2'048;          // of the envelope
inline constexpr std::size_t kMaxEnvelope = 1'048'576;  // some 4,000 long recipients, 40,000 short ones
inline constexpr std::size_t kMaxChunk = 1'048'576;

struct Envelope {
  std::optional<std::string> from;  // "" is the null path
  std::vector<std::string> recipients;
  std::string login;
  std::optional<std::string> author;
  std::string notify;
  std::string ret;
  std::string envid;
  struct ForOne {
    std::string notify;
    std::string orcpt;
    bool operator==(const ForOne&) const = default;
  };
  std::map<std::size_t, ForOne> for_one;  // by index in `recipients`
  std::optional<std::uint64_t> size;
  bool eight_bit = false;
};

// The head of a message, with its empty line. Control characters in a value make it an error, so that no value can add a line.
Result<std::string> format_envelope(const Envelope& envelope);
// "512\n", in front of so many bytes; "0\n" is the end.
std::string format_chunk_header(std::size_t size);

}  // namespace godwit::submit
