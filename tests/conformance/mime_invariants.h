#pragma once
// What holds for the structure of any message, and what the runners of MIME suites share. Pure; one thread.

#include <string>
#include <string_view>

#include "grammar/message/mime.h"

namespace godwit::conformance {

// Empty, or what does not hold: the cuts make no difference, ranges are nested, every byte belongs to somebody, encoded words, envelopes
// and bodies decode to UTF-8.
std::string check_structure(std::string_view message);

// The message's own bytes of a range, and the same with LF alone.
std::string_view cut(std::string_view message, std::uint64_t begin, std::uint64_t end);
std::string with_lf(std::string_view text);
// A leaf's body without its transfer encoding.
std::string decoded_body(std::string_view message, const message::Part& part);

}  // namespace godwit::conformance
