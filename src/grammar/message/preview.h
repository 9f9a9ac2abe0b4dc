#pragma once
// The first words of a message as plain text (RFC 8970), for a list of messages. Pure functions, any thread.
//
// White space is one space, control and invisible characters are left out. So are quoted lines and the signature (of HTML the quoted
// blocks) where there is something else. Never fails: broken HTML, charsets and encodings give what there is.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/message/mime.h"

namespace godwit::message {

inline constexpr std::size_t kMaxPreview = 200;              // characters: RFC 8970 3.3 (SHOULD; MUST NOT be over 256)
inline constexpr std::size_t kMaxPreviewBytes = 256 * 1024;  // of a part's body; what follows is not looked at
inline constexpr std::size_t kMaxPreviewParts = 4;

// The parts to try in this order until one gives a preview: text/plain and text/html in the order of the message, then other text; no
// attachments, nothing in embedded messages.
std::vector<std::uint32_t> preview_parts(const Structure& structure);

// `body`: the beginning of the part's body, as in the message. Well-formed UTF-8 of at most kMaxPreview characters, without line ends;
// empty: there is no text.
std::string make_preview(const Part& part, std::string_view body);

}  // namespace godwit::message
