#pragma once
// A response out of the bytes of a connection, within limits: the server at the other end is a stranger. One thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "edge/http/exchange.h"

namespace godwit::http {

struct ResponseLimits {
  std::uint32_t header = 64 * 1'024;
  std::uint64_t body = std::uint64_t(256) << 20;
};

// Of a chunked response (RFC 9112 7.1) there is the header alone, and the connection is of no further use.
class ResponseReader {
 public:
  // `head`: of a HEAD request, a response has no body.
  explicit ResponseReader(ResponseLimits limits, bool head = false);
  ~ResponseReader();

  // Takes bytes as they come. `syntax` if this is no HTTP, `limit` if it is more than was allowed for.
  Result<void> feed(std::string_view bytes);
  // The connection has ended. `closed` if the response had not.
  Result<void> finish();
  bool done() const;
  // The peer keeps the connection open for another request, and sent nothing behind this response.
  bool keeps_alive() const;
  Response take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::http
