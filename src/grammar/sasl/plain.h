#pragma once
// PLAIN (RFC 4616): [authzid] NUL authcid NUL passwd. Pure functions, any thread.

#include <string>
#include <string_view>

#include "grammar/sasl/mechanism.h"

namespace godwit::sasl {

// The message of RFC 4616 2. Errors (`syntax`, `limit`) carry the position; names and password are UTF-8 without NUL.
Result<Credentials> parse_plain(std::string_view message);
std::string build_plain(const Credentials& credentials);

// Well-formed UTF-8 without NUL.
bool is_sasl_text(std::string_view text);

}  // namespace godwit::sasl
