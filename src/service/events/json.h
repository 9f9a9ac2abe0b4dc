#pragma once
// Events as the JSON that webhooks and the file carry. docs/operator/events.md names every member. Pure; any thread.

#include <string>
#include <string_view>

#include "state/events/event.h"

namespace godwit::events {

// One object, no line end. Bytes that are no UTF-8 become U+FFFD: what strangers said in a reply may be anything.
void append_json(std::string& out, const Event& event);
// With quotation marks. RFC 8259 7.
void append_json_text(std::string& out, std::string_view text);
// "2026-11-22T12:18:39.123Z" (RFC 3339).
std::string format_time(WallTime time);

}  // namespace godwit::events
