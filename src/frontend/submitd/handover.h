#pragma once
// From an envelope to an open transaction of intake: addresses completed, the user recorded. Shared by the socket and the maildrop.
// Internal to the module.

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "frontend/submitd/submitd.h"
#include "grammar/submit/envelope.h"

namespace godwit::submitd {

struct Who {
  unsigned uid = 0;
  std::string session;  // for log and trace
};

struct Refused {
  std::string recipient;  // as given
  smtp::Reply reply;
};

struct Handover {
  std::unique_ptr<intake::Transaction> transaction;
  smtp::ReversePath reverse_path;
  std::string author_field;  // "From: ...\r\n" to go in front, or ""
  std::vector<Refused> refused;
};

// The domain of an address that was given without one, as Postfix's myorigin: the host name if it is a domain of ours, else the
// nearest domain of ours above it, else the first of all, else the host name.
Task<Result<smtp::Domain>> find_origin(directory::Directory& directory, std::string hostname);

// An error refuses the message as a whole; recipients that are refused are in `refused`.
Task<std::expected<Handover, smtp::Reply>> begin(Context& context, Who who, const submit::Envelope& envelope);

// One reply about all of them; a temporary refusal wins, since waiting may mend it all.
smtp::Reply combine(const std::vector<Refused>& refused);

// "From: Ann Example <ann@example.org>\r\n", RFC 5322 3.6.2, the name quoted or encoded (RFC 2047) where it must be.
std::string format_author(std::string_view name, const smtp::Address& address);

}  // namespace godwit::submitd
