#pragma once
// The client's side of SOCKS 5, RFC 1928 and 1929: asks the proxy at the other end of a stream to connect. Works on any stream.

#include <optional>
#include <string>

#include "base/clock.h"
#include "edge/net/stream.h"

namespace godwit::net {

struct Socks5Login {
  std::string user;      // RFC 1929 2: 1 to 255 bytes,
  std::string password;  // likewise
};

// Afterwards the stream leads to `to`, and not a byte from there has been taken. The whole dialogue ends by `deadline`. Temporary errors
// are about the destination, permanent ones about the proxy (egress.h). `stream` and `login` outlive the call.
Task<Result<void>> socks5_connect(Stream& stream, const Clock& clock, Endpoint to, const Socks5Login* login, SteadyTime deadline);

}  // namespace godwit::net
