// The client against the real server, over a Unix socket.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "edge/http/client.h"
#include "edge/http/server.h"
#include "edge/net/file_descriptor.h"
#include "edge/net/loop.h"
#include "testing/test_loop.h"

namespace godwit::http {
namespace {

constexpr Duration kLong = std::chrono::seconds(30);

struct Directory {
  Directory() {
    char name[] = "/tmp/godwit-http-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

Task<Response> answer(Request request) {
  Response response;
  response.status = request.path == "/missing" ? 404 : 200;
  response.content_type = "application/json";
  response.body = request.path == "/large" ? std::string(5'000'000, 'x') : request.body;
  if (request.path == "/who") response.body = std::to_string(request.credentials ? request.credentials->uid : 77'777u);
  response.headers = {{"X-Method", request.method}, {"X-Query", request.query["q"]}};
  co_return response;
}

struct Server {
  Server() : loops(1), path(directory.path + "/control.sock"), listener(*net::listen_unix(loops, path, 0600)) {
    listener->start([this](std::size_t loop, std::unique_ptr<net::Stream> stream) {
      net::spawn(loops.executor(loop), group, "http", serve(std::move(stream), answer, Limits{}, &group));
    });
    loops.run();
  }
  ~Server() {
    listener->close();
    group.stop();
    testing::TestLoop waiter;
    const auto clock = make_system_clock();
    EXPECT_TRUE(waiter.run(group.wait(*clock, kLong)));
    loops.stop();
  }

  Directory directory;
  net::TaskGroup group;
  net::LoopPool loops;
  std::string path;
  std::unique_ptr<net::Listener> listener;
};

TEST(HttpClient, Request_ComesBackWhole) {
  const Server server;
  Request asked;
  asked.method = "POST";
  asked.target = "/echo?q=a%20b";
  asked.body = "{\"a\": 1}";
  const auto got = request(server.path, asked, kLong);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->status, 200u);
  EXPECT_EQ(got->content_type, "application/json");
  EXPECT_EQ(got->body, asked.body);
  EXPECT_EQ(got->header("x-method"), "POST");
  EXPECT_EQ(got->header("x-query"), "a b");
}

TEST(HttpClient, StatusesBodiesAndCredentials) {
  const Server server;
  EXPECT_EQ(request(server.path, {.target = "/missing"}, kLong)->status, 404u);
  EXPECT_EQ(request(server.path, {.target = "/large"}, kLong)->body.size(), 5'000'000u);
  EXPECT_EQ(request(server.path, {.target = "/who"}, kLong)->body, std::to_string(::getuid()));
  const auto head = request(server.path, {.method = "HEAD", .target = "/large"}, kLong);
  ASSERT_TRUE(head) << head.error().text;
  EXPECT_EQ(head->body, "");
}

TEST(HttpClient, BodyTooLarge_ReadsTheRefusal) {
  const Server server;
  Request asked;
  asked.method = "POST";
  asked.body.assign(3'000'000, 'x');
  const auto got = request(server.path, asked, kLong);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->status, 413u);
}

TEST(HttpClient, NobodyThere_IsNotFound) {
  const Directory directory;
  const auto missing = request(directory.path + "/none.sock", {}, kLong);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().cause, Error::Cause::not_found);
  EXPECT_EQ(request("/" + std::string(200, 'x'), {}, kLong).error().cause, Error::Cause::limit);
}

// A socket that is bound, and listens or not, but never answers.
net::FileDescriptor silent(const std::string& path, bool listening) {
  net::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  GODWIT_CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (listening) ::listen(fd.get(), 10);
  return fd;
}

TEST(HttpClient, SocketLeftBehind_IsNotFound) {
  const Directory directory;
  const auto socket = silent(directory.path + "/stale.sock", false);
  EXPECT_EQ(request(directory.path + "/stale.sock", {}, kLong).error().cause, Error::Cause::not_found);
}

TEST(HttpClient, SilentServer_TimesOut) {
  const Directory directory;
  const auto socket = silent(directory.path + "/silent.sock", true);
  EXPECT_EQ(request(directory.path + "/silent.sock", {}, Duration(30)).error().cause, Error::Cause::timed_out);
}

TEST(HttpClient, RubbishOrCutAnswer_IsAnError) {
  const Directory directory;
  const auto socket = silent(directory.path + "/bad.sock", true);
  for (const std::string bytes : {"220 mail.example.org ESMTP\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}) {
    std::jthread server([&] {
      const net::FileDescriptor peer(::accept(socket.get(), nullptr, nullptr));
      char request_bytes[1024];
      EXPECT_GT(::read(peer.get(), request_bytes, sizeof request_bytes), 0);
      EXPECT_GT(::write(peer.get(), bytes.data(), bytes.size()), 0);
    });
    const auto got = request(directory.path + "/bad.sock", {}, kLong);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().cause, bytes[0] == 'H' ? Error::Cause::closed : Error::Cause::syntax);
  }
}

}  // namespace
}  // namespace godwit::http
