#pragma once
// SASLprep (RFC 4013): names and passwords in one spelling before they are hashed. Pure; any thread.

#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::sasl {

// `text` is UTF-8. Other spaces become spaces, soft hyphens and the like go, NFKC; `syntax` for controls, unassigned code points and
// what else must not be in it. ASCII without controls stays as it is.
Result<std::string> saslprep(std::string_view text);

}  // namespace godwit::sasl
