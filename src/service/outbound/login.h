#pragma once
// The login to a smarthost: AUTH as a client (RFC 4954), one mechanism after the other by strength. No I/O but through `Exchange`.

#include <expected>
#include <functional>
#include <string>

#include "base/task.h"
#include "grammar/smtp/extension.h"
#include "grammar/smtp/reply.h"
#include "service/outbound/terms.h"

namespace godwit::outbound {

// Sends a line (with CRLF) and reads the answer.
using Exchange = std::function<Task<Result<smtp::Reply>>(std::string line)>;

// Everything that goes wrong is deferred, and was said about us, not about a message: mail must not bounce for our configuration. The
// outcome's text says what to mend; log and metric as well. `encrypted`: the dialogue is inside TLS. A password goes as it is only
// there, or where nobody else can listen in. `peer` and `terms` outlive the call.
Task<std::expected<void, queue::Outcome>> log_in(const Terms& terms, const smtp::Extensions& peer, bool encrypted, std::string remote,
                                                 Exchange exchange);

}  // namespace godwit::outbound
