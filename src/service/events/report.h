#pragma once
// What intake and scheduler say to the stream: one line where the thing happens. `stream` may be null: events are switched off, and
// nothing is done. Any thread; never waits.

#include <string_view>

#include "state/events/stream.h"
#include "state/queue/message.h"

namespace godwit::events {

// Before 250 is said. `tls`: of the connection that it came by.
void report_accepted(Stream* stream, const queue::Message& message, std::string_view message_id, std::string_view tls);
// held, released, dropped: the whole message.
void report(Stream* stream, Type type, const queue::Message& message, std::string_view reason);
// What an attempt has made of a recipient: delivered, deferred, bounced or expired, by its state.
void report(Stream* stream, const queue::Message& message, const queue::Recipient& recipient);
// `name` is one word ("account_held"); `account` may be empty.
void report_alert(Stream* stream, std::string_view name, std::string_view account, std::string_view reason);

}  // namespace godwit::events
