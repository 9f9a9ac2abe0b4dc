#pragma once
// What a submission server does beyond relaying (RFC 6409): whose name a client may send under, and the fields a message lacks.
//
// Functions without state; intake calls them for mail of people and applications, never for mail from other servers.
// Bcc is left as it came: taking it out belongs to whoever lists it in the envelope.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "grammar/message/header.h"
#include "grammar/smtp/path.h"
#include "grammar/smtp/reply.h"
#include "state/directory/directory.h"

namespace godwit::submission {

// RFC 6409 6.1: the reverse path must be the account's own, by name, tag or alias. Null is allowed (RFC 8098 2.1: receipts of
// reading). Nothing: it may; else 553 5.7.1, or 451 4.3.0 when the directory cannot say.
Task<std::optional<smtp::Reply>> check_sender(directory::Directory& directory, directory::Account account, smtp::ReversePath reverse_path);

struct AddedFields {
  std::string text;        // whole fields with CRLFs, "" if nothing is missing
  std::string message_id;  // with angle brackets, if one was made
};
// RFC 6409 8.2, 8.3: Date and Message-ID, if there is none. `hostname` is the right side of the Message-ID.
AddedFields missing_fields(const message::HeaderSummary& header, MessageId id, std::string_view hostname, WallTime now);

}  // namespace godwit::submission
