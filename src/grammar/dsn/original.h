#pragma once
// The original message as far as a report needs it: its header section and some of its fields. Pure functions.

#include <string>
#include <string_view>

namespace godwit::dsn {

// The header section with its last CRLF, without the empty line; an incomplete last line is left out, and so is what is beyond `most`.
std::string_view header_section(std::string_view message, std::size_t most);

// Value of the first field `name`, unfolded and trimmed; "" if there is none.
std::string field_value(std::string_view headers, std::string_view name);

// "<left@right>" if that is what the Message-ID field holds and it can stand in our header; "" otherwise.
std::string message_id_of(std::string_view headers);

// What says that nobody wants an automatic answer to this message: "Precedence: list", "Auto-Submitted: auto-generated", "List-Id";
// "" if nothing does. RFC 3834 2 and 5; Precedence is what mail programs have agreed upon (bulk, list, junk).
std::string unwanted_answer_because(std::string_view headers);

}  // namespace godwit::dsn
