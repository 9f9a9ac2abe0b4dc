#include "edge/net/egress.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "edge/net/file_descriptor.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using ::testing::HasSubstr;
using testing::TestLoop;

constexpr Duration kLong = std::chrono::seconds(30);
const Endpoint kTo{*parse_ip("192.0.2.25"), 25};
const Endpoint kTo6{*parse_ip("2001:db8::25"), 25};
const Endpoint kProxy{*parse_ip("127.0.0.1"), 1080};

// A proxy that takes what comes and answers as the test says, step by step: {so many bytes are read, then this is said}.
class FakeProxy final : public Dialer {
 public:
  struct Step {
    std::size_t read;
    std::string say;
  };
  explicit FakeProxy(TestLoop& loop) : loop_(loop) {}

  Task<Result<std::unique_ptr<Stream>>> dial(Endpoint to, Duration, Cancellation*) override {
    dialed.push_back(to);
    if (refuses) co_return fail(Error::temporary(Error::Cause::io, "connect to " + to.text() + ": Connection refused"));
    auto streams = testing::make_memory_streams(loop_.clock(), options);
    loop_.start(serve(*this, std::move(streams.first)));
    co_return std::move(streams.second);
  }

  std::vector<Step> steps;
  testing::MemoryStreamOptions options;
  bool close_after = false;
  bool refuses = false;
  std::string heard;
  std::vector<Endpoint> dialed;

 private:
  static Task<> serve(FakeProxy& self, std::unique_ptr<Stream> stream) {
    for (const Step& step : self.steps) {
      std::string bytes(step.read, '\0');
      for (std::size_t have = 0; have < bytes.size();) {
        const std::span<char> rest(bytes.data() + have, bytes.size() - have);
        const auto count = co_await stream->read(rest, std::chrono::hours(1));
        if (!count || *count == 0) co_return;
        have += *count;
      }
      self.heard += bytes;
      ignore(co_await stream->write(step.say, kLong), "the client may be gone");
    }
    if (self.close_after)
      stream->close();
    else
      self.kept_ = std::move(stream);
  }

  TestLoop& loop_;
  std::unique_ptr<Stream> kept_;
};

class Socks5 : public ::testing::Test {
 protected:
  Task<Result<std::vector<IpAddress>>> resolve(std::string host) {
    if (const auto ip = parse_ip(host)) co_return std::vector{*ip};
    if (host == "proxy.test") co_return std::vector{*parse_ip("192.0.2.9"), kProxy.address};
    co_return fail(Error::permanent(Error::Cause::not_found, "cannot resolve " + host));
  }
  std::unique_ptr<Dialer> dialer(std::optional<Socks5Login> login = {}, std::string host = "127.0.0.1") {
    return make_socks5_dialer({proxy_, [this](std::string name) { return resolve(std::move(name)); }, loop_.clock()},
                              {std::move(host), 1080}, std::move(login));
  }
  Result<std::unique_ptr<Stream>> dial(Endpoint to = kTo, std::optional<Socks5Login> login = {}) {
    const auto through = dialer(std::move(login));
    return loop_.run(through->dial(to, kLong));
  }
  static std::string bytes(std::initializer_list<int> list) {
    std::string out;
    for (const int byte : list) out.push_back(static_cast<char>(byte));
    return out;
  }

  TestLoop loop_;
  FakeProxy proxy_{loop_};
};

// RFC 1928 3, 4, 6: the bytes as they are on the wire.
TEST_F(Socks5, Connect_NamesTheAddress_AndTakesNothingOfWhatFollows) {
  proxy_.steps = {{3, bytes({5, 0})}, {10, bytes({5, 0, 0, 1, 10, 0, 0, 1, 4, 0}) + "220 hello\r\n"}};
  const auto stream = dial();
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ(proxy_.heard, bytes({5, 1, 0}) + bytes({5, 1, 0, 1, 192, 0, 2, 25, 0, 25}));
  EXPECT_EQ(proxy_.dialed, std::vector{kProxy});
  char greeting[32];
  const std::span<char> room(greeting);
  EXPECT_EQ(std::string(greeting, *loop_.run((*stream)->read(room, kLong))), "220 hello\r\n");
}

TEST_F(Socks5, Ipv6_AndAnAnswerWithANameByteByByte) {
  proxy_.options.segment = 1;
  proxy_.steps = {{3, bytes({5, 0})}, {22, bytes({5, 0, 0, 3, 5}) + "proxy" + bytes({4, 0})}};
  const auto stream = dial(kTo6);
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ(proxy_.heard.substr(3, 5), bytes({5, 1, 0, 4, 0x20}));
}

// RFC 1929 2
TEST_F(Socks5, UserAndPassword_WhereTheProxyAsks) {
  proxy_.steps = {{4, bytes({5, 2})}, {15, bytes({1, 0})}, {10, bytes({5, 0, 0, 1, 0, 0, 0, 0, 0, 0})}};
  const auto stream = dial(kTo, Socks5Login{"godwit", "secret"});
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ(proxy_.heard.substr(0, 4), bytes({5, 2, 0, 2}));
  EXPECT_EQ(proxy_.heard.substr(4, 15), bytes({1, 6}) + "godwit" + bytes({6}) + "secret");
}

TEST_F(Socks5, Refusals_SayWhoIsToBlame) {
  struct Case {
    const char* name;
    std::vector<FakeProxy::Step> steps;
    bool close;
    bool way;  // else the destination
    const char* text;
  };
  const Case cases[] = {
      {"no method", {{4, bytes({5, 0xff})}}, false, true, "takes neither a password nor"},
      {"another protocol", {{4, "HTTP/1.1 400\r\n\r\n"}}, false, true, "does not speak SOCKS 5"},
      {"wrong password", {{4, bytes({5, 2})}, {7, bytes({1, 1})}}, false, true, "refused user or password"},
      {"garbled login", {{4, bytes({5, 2})}, {7, bytes({5, 0})}}, false, true, "made no sense"},
      {"closed", {{4, ""}}, true, true, "closed the connection"},
      {"closed in the answer", {{4, bytes({5, 0})}, {10, bytes({5, 0, 0, 1, 10})}}, true, true, "closed the connection"},
      {"unknown address type", {{4, bytes({5, 0})}, {10, bytes({5, 0, 0, 9, 0, 0})}}, false, true, "made no sense"},
      {"general failure", {{4, bytes({5, 0})}, {10, bytes({5, 1, 0, 1, 0, 0, 0, 0, 0, 0})}}, false, false, "general failure"},
      {"refused", {{4, bytes({5, 0})}, {10, bytes({5, 5, 0, 1, 0, 0, 0, 0, 0, 0})}}, false, false, "connection refused"},
      {"unknown reply", {{4, bytes({5, 0})}, {10, bytes({5, 200, 0, 1, 0, 0, 0, 0, 0, 0})}}, false, false, "failure 200"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    proxy_.steps = each.steps;
    proxy_.close_after = each.close;
    const auto stream = dial(kTo, Socks5Login{"ab", "cd"});
    ASSERT_FALSE(stream);
    EXPECT_EQ(way_failed(stream.error()), each.way);
    EXPECT_THAT(stream.error().text, ::testing::StartsWith("connect to 192.0.2.25:25: "));
    EXPECT_THAT(stream.error().text, HasSubstr(each.text));
  }
}

TEST_F(Socks5, ALoginThatIsAskedForAndNotConfigured_SaysWhatToWrite) {
  proxy_.steps = {{3, bytes({5, 2})}};
  const auto stream = dial();
  ASSERT_FALSE(stream);
  EXPECT_THAT(stream.error().text, HasSubstr("name user and password_file"));
}

Task<> keep(Dialer& dialer, Endpoint to, Cancellation* cancel, std::optional<Error>& error) {
  auto dialed = co_await dialer.dial(to, kLong, cancel);
  if (!dialed) error = std::move(dialed).error();
}

TEST_F(Socks5, AProxyThatTrickles_EndsInTime) {
  proxy_.steps = {{3, ""}};
  const auto through = dialer();
  std::optional<Error> error;
  loop_.start(keep(*through, kTo, nullptr, error));
  loop_.advance(kLong - std::chrono::seconds(1));
  EXPECT_FALSE(error);
  loop_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(error);
  EXPECT_TRUE(way_failed(*error));
  EXPECT_THAT(error->text, HasSubstr("does not answer"));
}

TEST_F(Socks5, Cancelled_IsNobodysFault) {
  proxy_.steps = {{3, ""}};
  const auto through = dialer();
  std::optional<Error> error;
  Cancellation cancellation;
  loop_.start(keep(*through, kTo, &cancellation, error));
  loop_.poll();
  cancellation.cancel();
  loop_.poll();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->cause, Error::Cause::cancelled);
  EXPECT_FALSE(way_failed(*error));
}

TEST_F(Socks5, AProxyByName_IsTriedAtEachOfItsAddresses) {
  proxy_.refuses = true;
  auto through = dialer({}, "proxy.test");
  const auto none = loop_.run(through->dial(kTo, kLong));
  ASSERT_FALSE(none);
  EXPECT_TRUE(way_failed(none.error()));
  EXPECT_THAT(none.error().text, HasSubstr("the proxy proxy.test:1080 cannot be reached"));
  EXPECT_EQ(proxy_.dialed.size(), 2u);
  through = dialer({}, "nowhere.test");
  const auto unknown = loop_.run(through->dial(kTo, kLong));
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(way_failed(unknown.error()));
}

// proxy-protocol.txt 2.2
TEST_F(Socks5, ProxyHeader_NamesSourceAndDestination) {
  const auto v4 = proxy_header(*parse_ip("192.0.2.7"), kTo);
  EXPECT_EQ(v4, std::string("\r\n\r\n\0\r\nQUIT\n", 12) + bytes({0x21, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 25, 0, 0, 0, 25}));
  const auto v6 = proxy_header(*parse_ip("2001:db8::7"), kTo6);
  EXPECT_EQ(v6.size(), 12u + 4 + 36);
  EXPECT_EQ(v6.substr(12, 8), bytes({0x21, 0x21, 0, 36, 0x20, 0x01, 0x0d, 0xb8}));

  LocalAddresses from;
  from.v4 = parse_ip("192.0.2.7").value();
  const auto through = make_proxy_header_dialer({proxy_, [this](std::string name) { return resolve(std::move(name)); }, loop_.clock()},
                                                {"127.0.0.1", 1080}, from);
  proxy_.steps = {{v4.size(), "220 hello\r\n"}};
  const auto stream = loop_.run(through->dial(kTo, kLong));
  ASSERT_TRUE(stream) << stream.error().text;
  loop_.poll();
  EXPECT_EQ(proxy_.heard, v4);
  const auto other_family = loop_.run(through->dial(kTo6, kLong));
  ASSERT_FALSE(other_family);
  EXPECT_FALSE(way_failed(other_family.error()));
}

class BoundDialer : public ::testing::Test {
 protected:
  BoundDialer() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    const socklen_t length = to_sockaddr({*parse_ip("127.0.0.1"), 0}, address);
    GODWIT_CHECK(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    GODWIT_CHECK(::listen(listening_.get(), 4) == 0);
  }
  Result<std::unique_ptr<Stream>> dial_from(const char* address) {
    LocalAddresses from;
    from.v4 = parse_ip(address).value();
    const auto dialer = make_bound_dialer(from);
    return loop_.run(dialer->dial(local_endpoint(listening_.get()), kLong));
  }

  TestLoop loop_;
  FileDescriptor listening_;
};

TEST_F(BoundDialer, ConnectsFromItsAddress) {
  const auto stream = dial_from("127.0.0.5");
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ((*stream)->local().address.text(), "127.0.0.5");
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const FileDescriptor accepted(::accept(listening_.get(), reinterpret_cast<sockaddr*>(&peer), &size));
  EXPECT_EQ(from_sockaddr(peer).address.text(), "127.0.0.5");
}

TEST_F(BoundDialer, AnAddressThatIsNotOurs_IsTheWaysFault) {
  const auto stream = dial_from("192.0.2.77");
  ASSERT_FALSE(stream);
  EXPECT_TRUE(way_failed(stream.error()));
  EXPECT_THAT(stream.error().text, HasSubstr("from 192.0.2.77: Cannot assign requested address"));
  EXPECT_TRUE(check_local_address(*parse_ip("127.0.0.5")));
  const auto checked = check_local_address(*parse_ip("192.0.2.77"));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().text, HasSubstr("is not an address of this machine"));
}

TEST_F(BoundDialer, AFamilyWithoutAnAddress_IsNotDialled) {
  LocalAddresses from;
  from.v6 = parse_ip("::1").value();
  const auto dialer = make_bound_dialer(from);
  const auto stream = loop_.run(dialer->dial(local_endpoint(listening_.get()), kLong));
  ASSERT_FALSE(stream);
  EXPECT_FALSE(way_failed(stream.error()));
  EXPECT_EQ(stream.error().cause, Error::Cause::unsupported);
}

}  // namespace
}  // namespace godwit::net
