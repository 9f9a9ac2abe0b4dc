#pragma once
// Whether a message can go to a server as it is, and with which parameters of MAIL. RFC 1870, 6152, 6531, 3461.

#include <expected>
#include <memory>
#include <string>

#include "edge/store/blobs.h"
#include "grammar/smtp/extension.h"
#include "service/outbound/transaction.h"

namespace godwit::outbound {

// The outcome says why not: too large (5.3.4), 8-bit content or international addresses that the server does not take
// (5.6.3, 5.6.7; conversion comes later), or the bytes could not be read. What was declared to need an extension and does
// not (plain ASCII after all) goes without it.
Task<std::expected<MailOptions, queue::Outcome>> fit(store::Blobs& blobs, std::shared_ptr<const queue::Message> message,
                                                     const smtp::Extensions& peer, const std::string& remote);

// Without SMTPUTF8 some recipients cannot even be named: decides those.
void decide_unnameable(Work& work, const std::string& remote);

}  // namespace godwit::outbound
