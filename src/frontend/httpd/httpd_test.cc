#include "frontend/httpd/httpd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::httpd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

http::Request request(std::string_view path, std::string_view peer, std::string authorization = "") {
  http::Request asked;
  asked.method = "GET";
  asked.path = path;
  asked.remote.address = *parse_ip(peer);
  if (!authorization.empty()) asked.headers.emplace_back("authorization", std::move(authorization));
  return asked;
}

TEST(Httpd, Metrics_AreForLoopbackAndTheToken) {
  const Settings none;
  EXPECT_EQ(handle(none, request("/metrics", "127.0.0.1")).status, 200u);
  EXPECT_EQ(handle(none, request("/metrics", "192.0.2.7")).status, 403u);
  EXPECT_EQ(handle(none, request("/metrics", "192.0.2.7", "Bearer ")).status, 403u) << "no token is not the empty token";
  const Settings some{"secret", {}};
  EXPECT_EQ(handle(some, request("/metrics", "192.0.2.7", "Bearer secret")).status, 200u);
  EXPECT_EQ(handle(some, request("/metrics", "192.0.2.7", "Bearer secret2")).status, 403u);
  EXPECT_EQ(handle(some, request("/metrics", "192.0.2.7")).status, 403u);
  EXPECT_EQ(handle(none, request("/healthz", "192.0.2.7")).status, 200u);
  EXPECT_EQ(handle(none, request("/", "127.0.0.1")).status, 404u);
}

class HttpdServe : public ::testing::Test {
 protected:
  struct Client {
    std::shared_ptr<net::Stream> stream;
    std::shared_ptr<std::string> received = std::make_shared<std::string>();
  };

  ~HttpdServe() override {
    tasks.cut();
    loop.advance(std::chrono::hours(1));
  }
  static Task<> collect(std::shared_ptr<net::Stream> stream, std::shared_ptr<std::string> into) {
    std::string buffer(4'096, '\0');
    for (;;) {
      const auto got = co_await stream->read(buffer, std::chrono::hours(2));
      if (!got || *got == 0) break;
      into->append(buffer, 0, *got);
    }
    into->append("[end]");
  }
  static Task<> write(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes, std::chrono::hours(1)), "the server may have closed");
  }
  Client connect(std::string_view peer) {
    testing::MemoryStreamOptions options;
    options.client.address = *parse_ip(peer);
    auto [server, end] = testing::make_memory_streams(loop.clock(), options);
    Client client{std::move(end)};
    http::Limits patience;
    patience.clock = &loop.clock();
    loop.start(collect(client.stream, client.received));
    net::spawn(loop.executor(), tasks, "http", serve(std::move(server), context, patience));
    loop.poll();
    return client;
  }
  void say(const Client& client, std::string bytes) {
    loop.start(write(client.stream, std::move(bytes)));
    loop.poll();
  }

  testing::TestLoop loop;
  net::TaskGroup tasks;
  net::ConnectionLimits limits{3, 1};
  Settings settings{"", {*parse_network("203.0.113.0/24")}};
  Context context{[this] { return std::make_shared<const Settings>(settings); }, tasks, limits};
};

TEST_F(HttpdServe, TooManyConnections_Are503AndTheEnd) {
  const auto first = connect("192.0.2.7");
  const auto second = connect("192.0.2.7");
  loop.advance(std::chrono::seconds(2));
  EXPECT_THAT(*second.received, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(*second.received, HasSubstr("Retry-After: 60\r\n"));
  EXPECT_THAT(*second.received, EndsWith("\r\n\r\nToo many connections from your address; close some, then try again\n[end]"));
  say(first, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(*first.received, EndsWith("\r\n\r\nok\n[end]"));
  EXPECT_EQ(limits.open(), 0u);
}

TEST_F(HttpdServe, LoopbackAndAllowed_HaveNoLimitPerAddressAndAReserve) {
  const auto one = connect("127.0.0.1");
  const auto two = connect("127.0.0.1");
  const auto three = connect("203.0.113.9");
  EXPECT_EQ(*two.received, "");
  EXPECT_EQ(*three.received, "");
  const auto stranger = connect("192.0.2.7");
  EXPECT_THAT(*stranger.received, HasSubstr("Too many connections to this server; try again later\n"));
  const auto four = connect("203.0.113.9");
  const auto probe = connect("127.0.0.1");
  say(probe, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(*four.received, "");
  EXPECT_THAT(*probe.received, EndsWith("\r\n\r\nok\n[end]"));
}

TEST_F(HttpdServe, Stop_EndsAnIdleConnection) {
  const auto client = connect("192.0.2.7");
  tasks.stop();
  loop.poll();
  EXPECT_EQ(*client.received, "[end]");
  EXPECT_EQ(tasks.running(), 0u);
}

}  // namespace
}  // namespace godwit::httpd
