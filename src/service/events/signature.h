#pragma once
// How a receiver knows that a webhook is ours and fresh: HMAC-SHA256 over id, time and body, as standardwebhooks.com has it.
// Any thread.

#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::events {

// The first line of a file: "whsec_" and base64, or any text of 16 bytes and more, taken as it is. The key; empty for an empty path.
Result<std::string> read_secret(const std::string& path);

// Value of webhook-signature: "v1," and base64 of the HMAC of "id.timestamp.body".
std::string sign(std::string_view key, std::string_view id, std::int64_t timestamp, std::string_view body);

}  // namespace godwit::events
