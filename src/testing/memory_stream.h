#pragma once
// Two ends of a connection in memory: a session on one, the test on the other. One loop; time-outs follow the clock given.

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/net/stream.h"

namespace godwit::testing {

struct MemoryStreamOptions {
  std::size_t segment = 0;       // hand out at most so many bytes a read (1 = the slow client); 0 = no limit
  std::size_t window = 1 << 20;  // a writer waits when the other side has this much unread
  Endpoint client{{false, {192, 0, 2, 7}}, 40'000};
  Endpoint server{{false, {192, 0, 2, 1}}, 25};
};

// first = the server's end (remote() is the client), second = the client's end.
std::pair<std::unique_ptr<net::Stream>, std::unique_ptr<net::Stream>> make_memory_streams(Clock& clock, MemoryStreamOptions options = {});

// How often acknowledge_now() was called on this end, and on the other one; FakeTls may lie on it. 0 for a stream of another kind.
std::size_t acknowledgements(const net::Stream& end);
std::size_t peer_acknowledgements(const net::Stream& end);

// "TLS" without cryptography for transcripts: wraps a stream so that tls() is set; the client end does the same.
// Bytes go through unchanged, so a test can also send rubbish in place of a handshake: accept() succeeds unless `fail`.
class FakeTls final : public net::TlsAcceptor, public net::TlsConnector {
 public:
  bool fail_next = false;
  std::vector<std::string> server_names;  // of connect()
  Task<Result<std::unique_ptr<net::Stream>>> accept(std::unique_ptr<net::Stream> plain, Duration timeout) override;
  Task<Result<std::unique_ptr<net::Stream>>> connect(std::unique_ptr<net::Stream> plain, std::string server_name, Duration timeout,
                                                     net::Cancellation* cancel = nullptr) override;
};

}  // namespace godwit::testing
