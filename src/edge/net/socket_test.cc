// Real sockets on loopback: streams, listeners, dialer, deadlines, loops.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/metrics.h"
#include "edge/net/line_reader.h"
#include "edge/net/loop.h"
#include "edge/net/socket_stream.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using std::chrono::milliseconds;
using testing::TestLoop;

constexpr Duration kLong = std::chrono::seconds(30);
constexpr Duration kShort = milliseconds(20);
const Endpoint kAnyPort{{false, {127, 0, 0, 1}}, 0};

std::string cause(const auto& result) { return result ? "ok" : std::string(to_string(result.error().cause)); }

// Two ends of a Unix socket pair on one loop.
struct SocketPair {
  SocketPair() {
    int fds[2];
    GODWIT_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    near = make_socket_stream(loop.executor(), FileDescriptor(fds[0]), SocketKind::unix_domain, {}, {});
    far = make_socket_stream(loop.executor(), FileDescriptor(fds[1]), SocketKind::unix_domain, {}, {});
  }
  ~SocketPair() { near.reset(), far.reset(); }

  TestLoop loop;
  std::unique_ptr<SocketStream> near;
  std::unique_ptr<SocketStream> far;
};

Task<> read_into(Stream& stream, std::size_t room, Duration timeout, std::string& got, std::string& how) {
  std::string buffer(room, '\0');
  const std::span<char> span(buffer);
  const auto count = co_await stream.read(span, timeout);
  if (count) got.assign(buffer, 0, *count);
  how = cause(count);
}
Task<> write_all(Stream& stream, std::string bytes, Duration timeout, std::string& how) {
  const auto written = co_await stream.write(bytes, timeout);
  how = cause(written);
}
Task<> wait_readable(Stream& stream, Duration timeout, std::string& how) {
  const auto waited = co_await stream.wait_readable(timeout);
  how = cause(waited);
}

TEST(SocketStream, Read_BytesThenEnd_CountsThenZero) {
  SocketPair pair;
  std::string got;
  std::string how;
  ASSERT_TRUE(pair.loop.run(pair.far->write("hello", kLong)));
  pair.loop.run(read_into(*pair.near, 3, kLong, got, how));
  EXPECT_EQ(got, "hel");
  pair.loop.run(read_into(*pair.near, 3, kLong, got, how));
  EXPECT_EQ(got, "lo");
  pair.far->close();
  pair.loop.run(read_into(*pair.near, 3, kLong, got, how));
  EXPECT_EQ(how, "ok");
  EXPECT_EQ(got, "");
}

TEST(SocketStream, Read_NothingArrives_TimesOut) {
  SocketPair pair;
  std::string got;
  std::string how;
  pair.loop.run(read_into(*pair.near, 10, kShort, got, how));
  EXPECT_EQ(how, "timed_out");
}

TEST(SocketStream, WaitReadable_ThenData_ThenRead) {
  SocketPair pair;
  std::string how;
  std::string got;
  pair.loop.start(wait_readable(*pair.near, kLong, how));
  pair.loop.poll();
  EXPECT_EQ(how, "");
  ASSERT_TRUE(pair.loop.run(pair.far->write("x", kLong)));
  pair.loop.run_until([&] { return !how.empty(); });
  EXPECT_EQ(how, "ok");
  pair.loop.run(wait_readable(*pair.near, kLong, how));  // still readable
  EXPECT_EQ(how, "ok");
  pair.loop.run(read_into(*pair.near, 10, kLong, got, how));
  EXPECT_EQ(got, "x");
}

TEST(SocketStream, Cancel_WhileWaiting_EndsAllWithCancelled) {
  SocketPair pair;
  std::string reading;
  std::string writing;
  std::string got;
  pair.near->cancel();  // nothing is awaited: no effect
  pair.loop.start(read_into(*pair.near, 10, kLong, got, reading));
  pair.loop.start(write_all(*pair.near, std::string(10'000'000, 'x'), kLong, writing));
  pair.loop.poll();
  EXPECT_EQ(reading + writing, "");
  pair.near->cancel();
  pair.loop.run_until([&] { return !reading.empty() && !writing.empty(); });
  EXPECT_EQ(reading, "cancelled");
  EXPECT_EQ(writing, "cancelled");
  ASSERT_TRUE(pair.loop.run(pair.far->write("later", kLong)));
  pair.loop.run(read_into(*pair.near, 10, kLong, got, reading));
  EXPECT_EQ(got, "later");
}

TEST(SocketStream, Deadline_OfOneDirection_LeavesTheOtherWaiting) {
  SocketPair pair;
  std::string waiting;
  std::string writing;
  pair.loop.start(wait_readable(*pair.near, kLong, waiting));
  pair.loop.run(write_all(*pair.near, std::string(10'000'000, 'x'), kShort, writing));
  EXPECT_EQ(writing, "timed_out");
  EXPECT_EQ(waiting, "");
  ASSERT_TRUE(pair.loop.run(pair.far->write("x", kLong)));
  pair.loop.run_until([&] { return !waiting.empty(); });
  EXPECT_EQ(waiting, "ok");
}

// The reader pauses longer than the time-out in all, but never so long between two pieces.
Task<> read_slowly(Stream& stream, std::size_t total, std::size_t& got) {
  std::string buffer(40'000, '\0');
  const std::span<char> span(buffer);
  auto clock = make_system_clock();
  while (got < total) {
    co_await clock->sleep(milliseconds(5));
    const auto count = co_await stream.read(span, kLong);
    if (!count || *count == 0) co_return;
    got += *count;
  }
}

TEST(SocketStream, Write_PeerTakesItSlowly_TimeoutIsForProgress) {
  SocketPair pair;
  std::string how;
  std::size_t got = 0;
  pair.loop.start(read_slowly(*pair.far, 6'000'000, got));
  pair.loop.start(write_all(*pair.near, std::string(6'000'000, 'x'), milliseconds(400), how));
  pair.loop.run_until([&] { return got == 6'000'000; });
  EXPECT_EQ(how, "ok");
}

TEST(SocketStream, Write_PeerIsGone_IsClosedAndNoSignal) {
  SocketPair pair;
  pair.far->close();
  std::string how;
  pair.loop.run(write_all(*pair.near, "x", kLong, how));
  EXPECT_EQ(how, "closed");
}

TEST(SocketStream, Close_WhileAwaited_EndsItWithClosed) {
  SocketPair pair;
  std::string how;
  std::string got;
  pair.loop.start(wait_readable(*pair.near, kLong, how));
  pair.loop.poll();
  pair.near->close();
  pair.near->close();
  pair.loop.run_until([&] { return !how.empty(); });
  EXPECT_EQ(how, "closed");
  pair.loop.run(read_into(*pair.near, 10, kLong, got, how));
  EXPECT_EQ(how, "closed");
  pair.loop.run(write_all(*pair.near, "x", kLong, how));
  EXPECT_EQ(how, "closed");
}

TEST(SocketStream, Destroyed_WhileAwaited_EndsItWithClosed) {
  SocketPair pair;
  std::string how;
  pair.loop.start(wait_readable(*pair.near, kLong, how));
  pair.loop.poll();
  pair.near.reset();
  pair.loop.run_until([&] { return !how.empty(); });
  EXPECT_EQ(how, "closed");
}

TEST(SocketStream, Credentials_OfAUnixSocket_AreThePeers) {
  SocketPair pair;
  const auto credentials = pair.near->credentials();
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->uid, ::getuid());
  EXPECT_EQ(credentials->gid, ::getgid());
  EXPECT_EQ(credentials->pid, ::getpid());
}

TEST(SocketStream, ManyDeadlines_SomeShort_OnlyThoseEnd) {
  TestLoop loop;
  std::vector<std::unique_ptr<SocketStream>> streams;
  std::vector<std::string> how(200);
  for (std::size_t i = 0; i < how.size(); ++i) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (const int fd : fds) streams.push_back(make_socket_stream(loop.executor(), FileDescriptor(fd), SocketKind::unix_domain, {}, {}));
    loop.start(wait_readable(*streams[2 * i], i % 2 == 0 ? milliseconds(1 + i) : kLong, how[i]));
  }
  loop.run_until([&] { return !how[198].empty(); });
  for (std::size_t i = 0; i < how.size(); ++i) EXPECT_EQ(how[i], i % 2 == 0 ? "timed_out" : "") << i;
}

// A server for tests: two loops, every connection echoes one line.
struct EchoServer {
  EchoServer() : loops(2) {}
  ~EchoServer() {
    if (listener) listener->close();
    group.stop();
    testing::TestLoop waiter;
    auto clock = make_system_clock();
    EXPECT_TRUE(waiter.run(group.wait(*clock, kLong)));
    loops.stop();
  }

  void serve(std::unique_ptr<Listener> on) {
    listener = std::move(on);
    listener->start([this](std::size_t loop, std::unique_ptr<Stream> stream) {
      EXPECT_EQ(loops.current(), loop);
      ++accepted;
      used[loop] = true;
      spawn(loops.executor(loop), group, "echo", echo(group, std::move(stream)));
    });
    loops.run();
  }

  static Task<> echo(TaskGroup& group, std::unique_ptr<Stream> stream) {
    auto executor = co_await this_executor();
    Stream* raw = stream.get();
    const TaskGroup::OnStop on_stop(group, executor, [raw] { raw->cancel(); });
    LineReader reader(1'000);
    while (true) {
      const auto line = co_await reader.read_line(*stream, kLong);
      if (!line) co_return;
      const std::string answer = std::string(*line) + " " + stream->remote().text() + "\r\n";
      const auto written = co_await stream->write(answer, kLong);
      if (!written) co_return;
    }
  }

  TaskGroup group;
  LoopPool loops;
  std::unique_ptr<Listener> listener;
  std::atomic<int> accepted{0};
  std::atomic<bool> used[2]{};
};

Task<Result<std::string>> ask(Dialer& dialer, Endpoint to, std::string line) {
  GODWIT_CO_ASSIGN(const std::unique_ptr<Stream> stream, co_await dialer.dial(to, kLong));
  GODWIT_CO_TRY(co_await stream->write(line, kLong));
  LineReader reader(1'000);
  GODWIT_CO_ASSIGN(const std::string_view answer, co_await reader.read_line(*stream, kLong));
  if (stream->local().port == 0 || !answer.ends_with(stream->local().text())) co_return "wrong address: " + std::string(answer);
  co_return std::string(answer.substr(0, answer.find(' ')));
}

TEST(Listener, ManyConnections_EachIsServedOnALoopInTurn) {
  EchoServer server;
  auto listener = listen_tcp(server.loops, kAnyPort);
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_NE((*listener)->endpoint().port, 0);
  server.serve(*std::move(listener));
  TestLoop loop;
  auto dialer = make_tcp_dialer();
  for (int i = 0; i < 20; ++i) {
    const auto answer = loop.run(ask(*dialer, server.listener->endpoint(), "line" + std::to_string(i) + "\r\n"));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(*answer, "line" + std::to_string(i));
  }
  EXPECT_EQ(server.accepted, 20);
  EXPECT_TRUE(server.used[0]);
  EXPECT_TRUE(server.used[1]);
}

TEST(Listener, Stop_WithIdleConnections_EndsThem) {
  TestLoop loop;
  std::vector<std::unique_ptr<Stream>> idle;
  {
    EchoServer server;
    server.serve(*listen_tcp(server.loops, kAnyPort));
    auto dialer = make_tcp_dialer();
    for (int i = 0; i < 10; ++i) idle.push_back(*loop.run(dialer->dial(server.listener->endpoint(), kLong)));
    loop.run_until([&] { return server.accepted == 10; });
  }
  std::string got;
  std::string how;
  loop.run(read_into(*idle[0], 10, kLong, got, how));
  EXPECT_EQ(how, "ok");
  EXPECT_EQ(got, "");
}

TEST(Listener, OutOfDescriptors_PausesAndGoesOn) {
  EchoServer server;
  server.serve(*listen_tcp(server.loops, kAnyPort));
  const auto& pauses = metrics::counter("godwit_net_accept_pauses_total", "pauses of accepting for want of descriptors or memory");
  TestLoop loop;
  FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const FileDescriptor next(::dup(client.get()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(next.get()) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(server.listener->endpoint(), address);
  const int connected = ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length);
  const auto paused = pauses.value();
  loop.run_until([&] { return pauses.value() > paused || connected != 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(connected, 0);
  EXPECT_EQ(server.accepted, 0);
  loop.run_until([&] { return server.accepted == 1; });
}

TEST(Listener, Close_PortIsFreeAgain) {
  LoopPool loops(1);
  loops.run();
  auto listener = *listen_tcp(loops, kAnyPort);
  const Endpoint at = listener->endpoint();
  listener->close();
  listener->close();
  TestLoop loop;
  loop.run_until([&] { return listen_tcp(loops, at).has_value(); });
}

TEST(Listener, TcpErrors_NameTheAddressAndTheMend) {
  LoopPool loops(1);
  const auto first = *listen_tcp(loops, kAnyPort);
  const auto second = listen_tcp(loops, first->endpoint());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cause, Error::Cause::conflict);
  EXPECT_NE(second.error().text.find("port " + std::to_string(first->endpoint().port) + " is taken"), std::string::npos)
      << second.error().text;
  const auto foreign = listen_tcp(loops, {{false, {192, 0, 2, 1}}, 0});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().cause, Error::Cause::not_found);
  EXPECT_NE(foreign.error().text.find("192.0.2.1 is not an address of this machine"), std::string::npos);
}

TEST(Listener, Tcp6_IsSeparateFromTcp4) {
  LoopPool loops(1);
  const auto v6 = listen_tcp(loops, {{true, {}}, 0});
  if (!v6) GTEST_SKIP() << v6.error().text;
  const auto v4 = listen_tcp(loops, {{false, {}}, (*v6)->endpoint().port});
  EXPECT_TRUE(v4) << v4.error().text;
}

struct Directory {
  Directory() {
    char name[] = "/tmp/godwit-net-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

FileDescriptor connect_unix(const std::string& path) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return FileDescriptor();
  return fd;
}

TEST(Listener, Unix_HasItsMode_ServesAndGoesWithTheListener) {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  {
    EchoServer server;
    server.serve(*listen_unix(server.loops, path, 0660));
    struct stat file{};
    ASSERT_EQ(::stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660u);
    const FileDescriptor client = connect_unix(path);
    ASSERT_TRUE(client);
    ASSERT_EQ(::write(client.get(), "hi\r\n", 4), 4);
    char buffer[100];
    const ssize_t count = ::read(client.get(), buffer, sizeof buffer);
    ASSERT_GT(count, 0);
    EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(count)), "hi 0.0.0.0:0\r\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Listener, Unix_ReplacesOnlyASocketThatNobodyAnswersOn) {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  LoopPool loops(1);
  {  // a socket left behind
    const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  const auto first = listen_unix(loops, path, 0600);
  ASSERT_TRUE(first) << first.error().text;
  const auto second = listen_unix(loops, path, 0600);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cause, Error::Cause::conflict);
  EXPECT_TRUE(connect_unix(path));
}

TEST(Listener, UnixErrors_NameThePath) {
  const Directory directory;
  LoopPool loops(1);
  std::ofstream(directory.path + "/file") << "precious";
  const auto file = listen_unix(loops, directory.path + "/file", 0600);
  ASSERT_FALSE(file);
  EXPECT_TRUE(std::filesystem::exists(directory.path + "/file"));
  EXPECT_FALSE(listen_unix(loops, directory.path + "/none/socket", 0600));
  const auto lengthy = listen_unix(loops, "/" + std::string(200, 'x'), 0600);
  ASSERT_FALSE(lengthy);
  EXPECT_EQ(lengthy.error().cause, Error::Cause::limit);
}

TEST(Dialer, NobodyListens_IsATemporaryErrorWithTheAddress) {
  Endpoint nobody;
  {
    LoopPool loops(1);
    nobody = (*listen_tcp(loops, kAnyPort))->endpoint();
  }
  TestLoop loop;
  auto dialer = make_tcp_dialer();
  const auto stream = loop.run(dialer->dial(nobody, kLong));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind, Error::Kind::temporary);
  EXPECT_NE(stream.error().text.find(nobody.text()), std::string::npos) << stream.error().text;
}

TEST(ResolveHost, AddressesAndNames) {
  TestLoop loop;
  const auto literal = loop.run(resolve_host("2001:db8::1"));
  ASSERT_TRUE(literal);
  EXPECT_EQ(literal->at(0).text(), "2001:db8::1");
  const auto local = loop.run(resolve_host("localhost"));
  ASSERT_TRUE(local) << local.error().text;
  EXPECT_TRUE(local->at(0).is_loopback());
  EXPECT_FALSE(loop.run(resolve_host("")));
  const auto nowhere = loop.run(resolve_host("no such name"));
  EXPECT_FALSE(nowhere);
}

TEST(LoopPool, Destroyed_WithCoroutinesLeft_EndsThem) {
  TaskGroup group;
  auto clock = make_system_clock();
  {
    LoopPool loops(2);
    auto sleeper = [](Clock& c) -> Task<> { co_await c.sleep(std::chrono::hours(1)); };
    spawn(loops.executor(0), group, "sleeper", sleeper(*clock));
    spawn(loops.executor(1), group, "sleeper", sleeper(*clock));
    loops.run();
    loops.stop();
    EXPECT_EQ(group.running(), 2u);
  }
  EXPECT_EQ(group.running(), 0u);
}

TEST(LoopPool, Stop_RunsWhatIsReady) {
  LoopPool loops(1);
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) post(loops.executor(0), [&] { ++ran; });
  loops.run();
  loops.stop();
  EXPECT_EQ(ran, 100);
}

TEST(FileLimit, Raise_ReturnsTheHardLimit) { EXPECT_GE(raise_file_limit(), 1'024u); }

}  // namespace
}  // namespace godwit::net
