#pragma once
// The client's side of HTTP/1.1 on a connection that somebody else opened: one request, its response. On the stream's loop.

#include "base/clock.h"
#include "edge/http/exchange.h"
#include "edge/http/response_reader.h"
#include "edge/net/stream.h"

namespace godwit::http {

struct Exchanged {
  Response response;
  bool keeps_alive = false;  // another request may follow on the stream
};

// Host (`authority`) and Content-Length are added to the fields of `request`. `timeout` is for all of it, however slowly the other
// side takes or gives; `timed_out` then. Errors: `limit` and `syntax` of the response, and those of the stream; afterwards the
// stream is of no use.
Task<Result<Exchanged>> exchange(net::Stream& stream, Clock& clock, Request request, std::string authority, ResponseLimits limits,
                                 Duration timeout);

}  // namespace godwit::http
