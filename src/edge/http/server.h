#pragma once
// HTTP/1.1 on one connection: request, handler, response, again (RFC 9110, 9112).
//
// For the control socket, metrics and the API: small requests and answers, whole in memory, bounded. One connection
// lives on one loop; the handler runs there too.

#include <cstddef>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/task.h"
#include "edge/http/exchange.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"

namespace godwit::http {

// Answers one request. An exception becomes 500.
using Handler = std::function<Task<Response>(Request)>;

struct Limits {
  std::size_t header_bytes = 16 * 1024;         // request line and headers; beyond: 431
  std::size_t body_bytes = 1024 * 1024;         // beyond: 413
  Duration idle = std::chrono::seconds(60);     // between two requests
  Duration request = std::chrono::seconds(30);  // from the first byte of a request to its last: 408
  Duration write = std::chrono::seconds(30);    // without progress
  Clock* clock = nullptr;                       // measures `request`; null = the machine's
};

// Serves the connection to its end and closes it. With `group`, a connection that waits for a request ends when the group
// stops, and one that works on a request ends after its response; one whose peer does not take it ends at the group's cut().
Task<> serve(std::unique_ptr<net::Stream> stream, Handler handler, Limits limits, net::TaskGroup* group = nullptr);

// Turns a connection away before its first request: this response, then the end (RFC 9112 9.6). A client over a limit is not
// waited for longer than two seconds.
Task<> refuse(std::unique_ptr<net::Stream> stream, Response response, Limits limits);

}  // namespace godwit::http
