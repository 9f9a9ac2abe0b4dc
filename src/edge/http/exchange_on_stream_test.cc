#include "edge/http/exchange_on_stream.h"

#include <gtest/gtest.h>

#include "edge/http/url.h"
#include "testing/memory_client.h"

namespace godwit::http {
namespace {

class ExchangeTest : public ::testing::Test {
 protected:
  struct Ends {
    std::unique_ptr<net::Stream> ours;
    testing::MemoryClient server;
  };
  Ends ends() {
    auto [server, client] = testing::make_memory_streams(loop_.clock(), {.window = 1 << 16});
    return {std::move(client), testing::MemoryClient(loop_, std::move(server))};
  }
  static Task<> call(net::Stream& stream, Clock& clock, Request request, std::optional<Result<Exchanged>>& into) {
    into = co_await exchange(stream, clock, std::move(request), "hooks.example.net:8443", ResponseLimits{1'024, 2'048},
                             std::chrono::seconds(30));
  }
  std::optional<Result<Exchanged>> ask(const std::string& answer, bool close) {
    auto both = ends();
    std::optional<Result<Exchanged>> result;
    loop_.start(call(*both.ours, loop_.clock(), {.method = "POST", .target = "/x", .body = "[]"}, result));
    both.server.read_all();
    both.server.say(answer);
    asked_ = both.server.received();
    if (close) both.server.close();
    loop_.poll();
    if (!result) loop_.advance(std::chrono::seconds(60));
    return result;
  }

  testing::TestLoop loop_;
  std::string asked_;
};

TEST_F(ExchangeTest, Whole) {
  const auto got = ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
  ASSERT_TRUE(got && *got) << (got ? got->error().text : "nothing");
  EXPECT_EQ((*got)->response.status, 200u);
  EXPECT_EQ((*got)->response.body, "ok");
  EXPECT_TRUE((*got)->keeps_alive);
  EXPECT_EQ(asked_, "POST /x HTTP/1.1\r\nHost: hooks.example.net:8443\r\nContent-Length: 2\r\n\r\n[]");
}

TEST_F(ExchangeTest, WhatDoesNotKeepTheConnection) {
  for (const std::string answer :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"}) {
    const auto got = ask(answer, false);
    ASSERT_TRUE(got && *got);
    EXPECT_FALSE((*got)->keeps_alive);
  }
  const auto got = ask("HTTP/1.1 200 OK\r\n\r\nto the end", true);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->response.body, "to the end");
  EXPECT_FALSE((*got)->keeps_alive);
}

TEST_F(ExchangeTest, Trouble) {
  struct Case {
    std::string answer;
    bool close;
    Error::Cause cause;
  };
  for (const Case& c :
       {Case{"220 ESMTP\r\n", false, Error::Cause::syntax},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", true, Error::Cause::closed}, Case{"", true, Error::Cause::closed},
        Case{"", false, Error::Cause::timed_out}, Case{"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", false, Error::Cause::limit},
        Case{"HTTP/1.1 200 OK\r\nX: " + std::string(5'000, 'x'), false, Error::Cause::limit}}) {
    const auto got = ask(c.answer, c.close);
    ASSERT_TRUE(got) << c.answer;
    ASSERT_FALSE(*got) << c.answer;
    EXPECT_EQ(got->error().cause, c.cause) << c.answer << ": " << got->error().text;
  }
}

TEST_F(ExchangeTest, OneByteAtATime_EndsAtTheTimeOut) {
  auto both = ends();
  std::optional<Result<Exchanged>> result;
  loop_.start(call(*both.ours, loop_.clock(), {.target = "/x"}, result));
  both.server.read_all();
  for (int i = 0; i < 40 && !result; ++i) {
    both.server.say(i == 0 ? "HTTP/1.1 200 OK\r\nX: " : "x");
    loop_.advance(std::chrono::seconds(1));
  }
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().cause, Error::Cause::timed_out);
}

TEST(Url, Parts) {
  const auto plain = parse_url("https://hooks.example.net/mail?key=a%20b");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->host, "hooks.example.net");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->target, "/mail?key=a%20b");
  EXPECT_EQ(plain->authority, "hooks.example.net");
  const auto v6 = parse_url("http://[::1]:8080");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6->tls);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 8'080);
  EXPECT_EQ(v6->target, "/");
  EXPECT_EQ(v6->authority, "[::1]:8080");
  for (const auto* bad : {"", "hooks.example.net", "ftp://example.net/", "https://", "https://u:p@example.net/", "https://example.net/#x",
                          "https://example.net:0/", "https://exa mple.net/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace godwit::http
