#pragma once
// Which messages a message answers, as threading wants to know it: RFC 5256 3, "REFERENCES". Pure function, any thread.

#include <string>
#include <string_view>
#include <vector>

namespace godwit::message {

// From a header's bytes, up to its end or an empty line: the msg-ids of the first References field (as parse_message_ids() gives them); if
// there is none with a msg-id in it, the first of In-Reply-To. Linear; at most kMaxMessageIds, of 32 KiB of a field.
std::vector<std::string> find_references(std::string_view header);

}  // namespace godwit::message
