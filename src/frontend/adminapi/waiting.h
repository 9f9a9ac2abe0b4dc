#pragma once
// Why a recipient waits and when it is tried again, in plain words. Pure functions; any thread.

#include <optional>
#include <string>

#include "state/queue/message.h"

namespace godwit::adminapi {

// A recipient is being tried when its message is (`since`) and it was due then. Times are in UTC.

// "held: the route of example.net says hold", "being tried now, since 20:06:29", "not tried yet", "the server refused the recipient for
// now; mx.example.net [192.0.2.1]:25 says: 452 4.2.2 over quota (mailbox full)". Of a recipient that is done: what became of it.
std::string why_it_waits(const queue::Message& message, const queue::Recipient& recipient, std::optional<WallTime> since = {});

// "in 4m10s", "now", "when released"; "" when it is done.
std::string next_try(const queue::Message& message, const queue::Recipient& recipient, WallTime now);

}  // namespace godwit::adminapi
