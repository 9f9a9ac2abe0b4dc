#pragma once
// One message on its way in: see intake.h. Internal to the module.

#include <memory>

#include "grammar/message/header.h"
#include "service/intake/intake.h"

namespace godwit::intake {

// `context` outlives it.
std::unique_ptr<Transaction> make_transaction(const Context& context, std::shared_ptr<const Settings> settings, Source source,
                                              MailParameters parameters);

// The header fields that go in front: Received always (RFC 5321 4.4), Date and Message-ID for those who submit, and an empty line
// if what came has no header at all.
struct Prefix {
  std::string text;
  std::string message_id;  // of the message: its own or the one that was made
};
Prefix make_prefix(const Source& source, const MailParameters& parameters, const message::HeaderSummary& header, const Settings& settings,
                   MessageId id, std::uint64_t body_size, std::string_view only_recipient, WallTime now);

}  // namespace godwit::intake
