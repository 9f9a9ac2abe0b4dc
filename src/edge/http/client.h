#pragma once
// A blocking HTTP client for the command line: one request over a Unix socket. Any thread but a loop's.

#include <string>

#include "base/clock.h"
#include "edge/http/exchange.h"

namespace godwit::http {

// Sends method, target, headers and body of `request` (Host, Content-Length and Connection are added) and returns the
// response, at most 256 MiB of it. `timeout` is for the whole exchange.
// `not_found` if nobody listens there (no socket, or one left behind), `denied` without the right to connect, `timed_out`,
// `closed` if the server went before the response was whole, `syntax` if it speaks no HTTP.
Result<Response> request(const std::string& unix_socket_path, const Request& request, Duration timeout);

}  // namespace godwit::http
