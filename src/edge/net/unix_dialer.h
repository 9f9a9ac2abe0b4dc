#pragma once
// Connects to a Unix socket of this machine without blocking the loop.

#include <memory>
#include <string>

#include "edge/net/stream.h"

namespace godwit::net {

// The stream belongs to the loop of the calling coroutine. Errors name the path: nobody listens there, no right to connect (both
// temporary: a server may start, a right can be given), a path that is too long. `cancel` lives until the dial has ended.
Task<Result<std::unique_ptr<Stream>>> dial_unix(std::string path, Duration timeout, Cancellation* cancel);

}  // namespace godwit::net
