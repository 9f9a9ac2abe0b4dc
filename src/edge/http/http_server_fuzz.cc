// A whole connection of the HTTP server from hostile bytes. The first byte chooses how they are cut into segments.
#include <cstddef>
#include <cstdint>
#include <string>

#include "edge/http/server.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace {

using namespace godwit;

Task<http::Response> answer(http::Request request) {
  http::Response response;
  response.body = request.method + request.path;
  for (const auto& [name, value] : request.query) response.headers.emplace_back(name, value);
  response.status = request.body.empty() ? 200 : 204;
  co_return response;
}

Task<> feed(net::Stream& stream, std::string bytes) {
  const auto written = co_await stream.write(bytes, std::chrono::hours(1));
  ignore(written, "the server may have ended the connection");
  stream.close();
}

Task<> collect(net::Stream& stream, std::string& into) {
  std::string room(4096, '\0');
  const std::span<char> span(room);
  while (true) {
    const auto count = co_await stream.read(span, std::chrono::hours(1));
    if (!count || *count == 0) co_return;
    into.append(room, 0, *count);
  }
}

Task<> serve(std::unique_ptr<net::Stream> stream, http::Limits limits, bool& done) {
  http::Handler handler = answer;
  co_await http::serve(std::move(stream), std::move(handler), limits);
  done = true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string received;
  bool done = false;
  {
    testing::TestLoop loop;
    auto [server, client] = testing::make_memory_streams(loop.clock(), {.segment = data[0] % 16u});
    http::Limits limits{.header_bytes = 2'048, .body_bytes = 4'096};
    limits.clock = &loop.clock();
    loop.start(serve(std::move(server), limits, done));
    loop.start(collect(*client, received));
    loop.start(feed(*client, std::string(reinterpret_cast<const char*>(data) + 1, size - 1)));
    loop.poll();
    loop.advance(std::chrono::minutes(5));
  }
  GODWIT_CHECK(done);
  GODWIT_CHECK(received.empty() || received.starts_with("HTTP/1.1 "));
  return 0;
}
