#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "edge/http/server.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::http {
namespace {

using net::Stream;
using testing::TestLoop;

constexpr Duration kLong = std::chrono::seconds(300);

// Echoes what it understood; /throw throws, /forge tries to split the response, /slow sleeps a second.
Task<Response> echo(Clock& clock, Request request) {
  if (request.path == "/throw") throw std::runtime_error("broken");
  if (request.path == "/slow") co_await clock.sleep(std::chrono::seconds(1));
  Response response;
  response.body = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) response.body += " " + name + "=" + value;
  if (!request.body.empty()) response.body += " body=" + std::to_string(request.body.size());
  if (request.path == "/forge") response.headers = {{"X-Bad", "a\r\nX-Forged: b"}, {"X-Good", "c"}};
  if (request.path == "/empty") response.status = 204;
  if (request.path == "/header") response.body = request.header("x-TEST");
  if (request.path == "/remote") response.body = request.remote.text();
  co_return response;
}

struct Session {
  explicit Session(testing::MemoryStreamOptions options = {}, net::TaskGroup* group = nullptr) {
    auto [server, client] = testing::make_memory_streams(loop.clock(), options);
    far = std::move(client);
    Limits limits;
    limits.clock = &loop.clock();
    Handler handler = [this](Request request) { return echo(loop.clock(), std::move(request)); };
    loop.start(run(serve(std::move(server), std::move(handler), limits, group), ended));
    loop.start(collect(*far, received));
    loop.poll();
  }
  ~Session() {
    far->close();
    loop.advance(std::chrono::hours(25));  // everything has ended before its streams go
  }

  static Task<> run(Task<> serving, bool& done) {
    co_await std::move(serving);
    done = true;
  }
  static Task<> collect(Stream& stream, std::string& into) {
    std::string room(4096, '\0');
    const std::span<char> span(room);
    while (true) {
      const auto count = co_await stream.read(span, std::chrono::hours(24));
      if (!count || *count == 0) co_return;
      into.append(room, 0, *count);
    }
  }

  void send(std::string bytes) {
    ASSERT_TRUE(loop.run(far->write(bytes, kLong)));
    loop.poll();
  }
  std::string exchange(std::string bytes) {
    received.clear();
    send(std::move(bytes));
    return received;
  }

  TestLoop loop;
  std::unique_ptr<Stream> far;
  std::string received;
  bool ended = false;
};

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}
std::string status_of(const std::string& response) { return response.substr(0, response.find('\r')); }
std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

TEST(HttpServer, Request_IsUnderstoodAndAnswered) {
  Session session;
  const std::string body = "GET /a b flag= name=v&w plus=a b";
  EXPECT_EQ(session.exchange(get("/a%20b?name=v%26w&flag&plus=a+b")),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\nConnection: keep-alive\r\n\r\n" + body);
  EXPECT_EQ(body_of(session.exchange(get("/header", "X-Test: yes\r\n"))), "yes");
  EXPECT_EQ(body_of(session.exchange(get("/remote"))), "192.0.2.7:40000");
  EXPECT_FALSE(session.ended);
}

TEST(HttpServer, KeepAlive_ManyRequestsAndPipelined) {
  Session session;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(body_of(session.exchange(get("/" + std::to_string(i)))), "GET /" + std::to_string(i));
  const std::string both = session.exchange(get("/one") + get("/two"));
  EXPECT_NE(both.find("GET /one"), std::string::npos);
  EXPECT_NE(both.find("GET /two"), std::string::npos);
  EXPECT_FALSE(session.ended);
  EXPECT_NE(session.exchange(get("/last", "Connection: close\r\n")).find("Connection: close"), std::string::npos);
  EXPECT_TRUE(session.ended);
}

TEST(HttpServer, Http10_ClosesUnlessAsked) {
  Session session;
  EXPECT_EQ(body_of(session.exchange("GET /old HTTP/1.0\r\n\r\n")), "GET /old");
  EXPECT_TRUE(session.ended);
}

TEST(HttpServer, OneByteSegments_SameAnswer) {
  Session session({.segment = 1});
  EXPECT_EQ(body_of(session.exchange("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")), "POST /x body=5");
  EXPECT_EQ(body_of(session.exchange(get("/y"))), "GET /y");
}

TEST(HttpServer, ChunkedBody_IsJoined) {
  Session session;
  const std::string head = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(body_of(session.exchange(head + "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n")), "POST /x body=7");
}

TEST(HttpServer, Head_HasNoBody) {
  Session session;
  const std::string answer = session.exchange("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "");
}

TEST(HttpServer, NoContent_HasNeitherBodyNorLength) {
  Session session;
  const std::string answer = session.exchange(get("/empty"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 204 No Content");
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  EXPECT_EQ(body_of(answer), "");
}

TEST(HttpServer, HeaderValueWithLineEnd_IsLeftOut) {
  Session session;
  const std::string answer = session.exchange(get("/forge"));
  EXPECT_EQ(answer.find("Forged"), std::string::npos);
  EXPECT_NE(answer.find("X-Good: c\r\n"), std::string::npos);
}

TEST(HttpServer, HandlerThrows_Is500AndTheConnectionLives) {
  Session session;
  EXPECT_EQ(status_of(session.exchange(get("/throw"))), "HTTP/1.1 500 Internal Server Error");
  EXPECT_EQ(body_of(session.exchange(get("/x"))), "GET /x");
}

TEST(HttpServer, Expect_IsAnsweredBeforeTheBody) {
  Session session;
  const std::string interim = session.exchange("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(session.exchange("ab")), "POST /x body=2");
}

TEST(HttpServer, BadRequests_AreRefusedAndEnd) {
  struct Case {
    std::string name;
    std::string input;
    std::string expected;
  };
  const std::vector<Case> cases{
      {"garbage", "\x16\x03\x01\x02rubbish\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"broken escape", get("/%4"), "HTTP/1.1 400 Bad Request"},
      {"NUL in the path", get("/a%00b"), "HTTP/1.1 400 Bad Request"},
      {"headers too large", get("/", "X-Long: " + std::string(20'000, 'x') + "\r\n"), "HTTP/1.1 431 Request Header Fields Too Large"},
      {"body too large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", "HTTP/1.1 413 Payload Too Large"},
      {"chunks too large", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" + std::string(0x100001, 'x'),
       "HTTP/1.1 413 Payload Too Large"},
      {"length and chunks", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400 Bad Request"},
      {"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 400 Bad Request"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Session session({.window = 4 << 20});
    EXPECT_EQ(status_of(session.exchange(c.input)), c.expected);
    session.loop.advance(std::chrono::seconds(2));
    EXPECT_TRUE(session.ended);
  }
}

TEST(HttpServer, SlowRequest_Is408AfterTheWholeTime) {
  Session session;
  const std::string request = get("/x", "X-Long: " + std::string(100, 'x') + "\r\n");
  for (int i = 0; i < 60 && !session.ended; ++i) {
    session.send(request.substr(static_cast<std::size_t>(i), 1));
    session.loop.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(status_of(session.received), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(session.ended);
}

TEST(HttpServer, IdleConnection_EndsSilently) {
  Session session;
  session.exchange(get("/x"));
  session.received.clear();
  session.loop.advance(std::chrono::seconds(59));
  EXPECT_FALSE(session.ended);
  session.loop.advance(std::chrono::seconds(2));
  EXPECT_TRUE(session.ended);
  EXPECT_EQ(session.received, "");
}

TEST(HttpServer, PeerLeavesInsideARequest_Ends) {
  Session session;
  session.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  session.far->close();
  session.loop.poll();
  EXPECT_TRUE(session.ended);
}

TEST(HttpServer, GroupStops_IdleEndsAndWorkingFinishes) {
  net::TaskGroup group;
  Session idle({}, &group);
  Session working({}, &group);
  working.send(get("/slow"));
  group.stop();
  idle.loop.poll();
  EXPECT_TRUE(idle.ended);
  working.loop.poll();
  EXPECT_FALSE(working.ended);
  working.loop.advance(std::chrono::seconds(2));
  EXPECT_EQ(body_of(working.received), "GET /slow");
  EXPECT_NE(working.received.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(working.ended);
}

TEST(ParseTarget, Forms) {
  const auto target = parse_target("/v1/accounts/a%40b?x=1&x=2&&=ignored&empty=&only");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/accounts/a@b");
  const std::map<std::string, std::string> expected{{"x", "2"}, {"empty", ""}, {"only", ""}};
  EXPECT_EQ(target->query, expected);
  for (const char* bad : {"", "*", "x", "/%", "/%g0", "/%0", "/?a=%", "/?%00=1"}) EXPECT_FALSE(parse_target(bad)) << bad;
}

}  // namespace
}  // namespace godwit::http
