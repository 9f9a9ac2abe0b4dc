// The client's side of SOCKS 5 against arbitrary bytes: it ends, and what follows a good answer is left on the stream.
// Input: a byte of options (bit 0: bytes trickle, bit 1: with a login, bit 2: IPv6), then what the proxy sends.

#include "edge/net/socks5.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace {

using namespace godwit;

Task<> connect(net::Stream& stream, const Clock& clock, Endpoint to, const net::Socks5Login* login, std::optional<bool>& connected) {
  const SteadyTime deadline = clock.steady() + std::chrono::seconds(30);
  connected = (co_await net::socks5_connect(stream, clock, to, login, deadline)).has_value();
}

Task<> serve(std::unique_ptr<net::Stream> stream, std::string bytes) {
  ignore(co_await stream->write(bytes, std::chrono::hours(1)), "the client may have closed");
  stream->close();
}

// The length of the answers as RFC 1928 and 1929 have them, when they are good.
std::size_t length_of(std::string_view bytes) {
  std::size_t at = bytes[1] == 2 ? 4 : 2;
  switch (bytes[at + 3]) {
    case 1: return at + 4 + 4 + 2;
    case 4: return at + 4 + 16 + 2;
    default: return at + 4 + 1 + static_cast<unsigned char>(bytes[at + 4]) + 2;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const unsigned options = data[0];
  testing::TestLoop loop;
  testing::MemoryStreamOptions how;
  how.segment = options & 1;
  auto streams = testing::make_memory_streams(loop.clock(), how);
  const net::Socks5Login login{"user", "password"};
  const Endpoint to{*parse_ip((options & 4) != 0 ? "2001:db8::1" : "192.0.2.1"), 25};
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<bool> connected;
  loop.start(connect(*streams.second, loop.clock(), to, (options & 2) != 0 ? &login : nullptr, connected));
  loop.start(serve(std::move(streams.first), bytes));
  loop.poll();
  if (!connected) loop.advance(std::chrono::minutes(1));
  const auto fault = [](const char* what) {
    std::fprintf(stderr, "fault: %s\n", what);
    std::abort();
  };
  if (!connected) fault("it hangs");
  if (!*connected) return 0;
  const std::size_t taken = length_of(bytes);
  if (taken > bytes.size()) fault("connected before the answer was complete");
  std::string rest(bytes.size() - taken + 1, '\0');
  std::size_t have = 0;
  while (have < rest.size()) {
    const std::span<char> room(rest.data() + have, rest.size() - have);
    const auto count = loop.run(streams.second->read(room, std::chrono::seconds(1)));
    if (!count || *count == 0) break;
    have += *count;
  }
  if (have != bytes.size() - taken) fault("it took bytes of the destination");
  return 0;
}
