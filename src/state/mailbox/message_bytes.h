#pragma once
// The bytes of an email as readers see them: the prefix and the blob as one. Any loop.

#include <cstdint>
#include <string>

#include "base/task.h"
#include "edge/store/blobs.h"
#include "state/mailbox/email.h"

namespace godwit::mailbox {

// From `offset` up to `length` bytes, short only at the message's end. `corrupt` (that message alone is hurt) and `io` as Blobs::read.
Task<Result<std::string>> read_bytes(store::Blobs& blobs, const Email& email, std::uint64_t offset, std::size_t length);

}  // namespace godwit::mailbox
