// Handshakes and streams over real loopback sockets.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "edge/net/line_reader.h"
#include "edge/net/loop.h"
#include "edge/tls/context.h"
#include "edge/tls/self_signed.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::tls {
namespace {

using net::LineReader;
using net::Stream;
using net::TaskGroup;
using testing::TestLoop;

constexpr Duration kLong = std::chrono::seconds(30);
constexpr Duration kShort = std::chrono::milliseconds(50);
const Endpoint kAnyPort{{false, {127, 0, 0, 1}}, 0};

// A directory with a certificate for mail.demo.test.
struct Identity {
  explicit Identity(int days = 397) {
    char name[] = "/tmp/godwit-tls-XXXXXX";
    directory = ::mkdtemp(name);
    settings = {directory + "/cert.pem", directory + "/key.pem"};
    const std::vector<std::string> names{"mail.demo.test", "demo.test"};
    const auto made = make_self_signed(names, settings.certificate, settings.key, days);
    GODWIT_CHECK(made);
  }
  ~Identity() { std::filesystem::remove_all(directory); }

  std::string directory;
  ServerSettings settings;
};

// Accepts TLS and answers each line with itself; "info" with what it knows of the connection, "big" with 3 MB, "bye" by ending.
struct Server {
  explicit Server(const Identity& identity, Duration handshake = kLong) : handshake_timeout(handshake), loops(1) {
    auto created = ServerContext::create(identity.settings);
    GODWIT_CHECK(created);
    context = *std::move(created);
    listener = *net::listen_tcp(loops, kAnyPort);
    listener->start([this](std::size_t loop, std::unique_ptr<Stream> stream) {
      net::spawn(loops.executor(loop), group, "session", session(*this, std::move(stream)));
    });
    loops.run();
  }
  ~Server() {
    listener->close();
    group.stop();
    TestLoop waiter;
    auto clock = make_system_clock();
    EXPECT_TRUE(waiter.run(group.wait(*clock, kLong)));
    loops.stop();
  }

  static Task<> session(Server& server, std::unique_ptr<Stream> plain) {
    auto accepted = co_await server.context->accept(std::move(plain), server.handshake_timeout);
    if (!accepted) {
      server.failure = accepted.error().text;
      server.failed = true;
      co_return;
    }
    const std::unique_ptr<Stream> stream = *std::move(accepted);
    auto executor = co_await this_executor();
    Stream* raw = stream.get();
    const TaskGroup::OnStop on_stop(server.group, executor, [raw] { raw->cancel(); });
    LineReader reader(100'000);
    while (true) {
      const auto line = co_await reader.read_line(*stream, kLong);
      if (!line) {
        server.ended = std::string(to_string(line.error().cause));
        server.failed = true;
        co_return;
      }
      std::string answer(*line);
      if (answer == "info")
        answer = stream->tls()->version + (stream->tls()->resumed ? " resumed " : " full ") + stream->tls()->server_name;
      if (answer == "big") answer.assign(3'000'000, 'b');
      answer += "\r\n";
      const auto written = co_await stream->write(answer, kLong);
      if (!written || answer == "bye\r\n") co_return;
    }
  }

  TaskGroup group;
  std::shared_ptr<ServerContext> context;
  Duration handshake_timeout;
  net::LoopPool loops;
  std::unique_ptr<net::Listener> listener;
  std::string failure;
  std::string ended;
  std::atomic<bool> failed{false};
};

Task<Result<std::unique_ptr<Stream>>> connect(ClientContext& context, Endpoint to, std::string name) {
  auto dialer = net::make_tcp_dialer();
  GODWIT_CO_ASSIGN(std::unique_ptr<Stream> plain, co_await dialer->dial(to, kLong));
  co_return co_await context.connect(std::move(plain), std::move(name), kLong);
}

Task<Result<std::string>> ask(Stream& stream, std::string line) {
  line += "\r\n";
  GODWIT_CO_TRY(co_await stream.write(line, kLong));
  LineReader reader(4'000'000);
  GODWIT_CO_ASSIGN(const std::string_view answer, co_await reader.read_line(stream, kLong));
  co_return std::string(answer);
}

Task<Result<std::string>> connect_and_ask(ClientContext& context, Endpoint to, std::string name, std::string line) {
  GODWIT_CO_ASSIGN(const std::unique_ptr<Stream> stream, co_await connect(context, to, std::move(name)));
  co_return co_await ask(*stream, std::move(line));
}

std::shared_ptr<ClientContext> client(const ClientSettings& settings = {}) { return *ClientContext::create(settings); }

TEST(Tls, Handshake_Opportunistic_IsTls13AndSaysSo) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client();
  auto stream = loop.run(connect(*context, server.listener->endpoint(), "mail.demo.test"));
  ASSERT_TRUE(stream) << stream.error().text;
  ASSERT_TRUE((*stream)->tls());
  EXPECT_EQ((*stream)->tls()->version, "TLSv1.3");
  EXPECT_GE((*stream)->tls()->bits, 128);
  EXPECT_EQ((*stream)->remote(), server.listener->endpoint());
  EXPECT_EQ(*loop.run(ask(**stream, "info")), "TLSv1.3 full mail.demo.test");
  EXPECT_EQ(*loop.run(ask(**stream, "hello")), "hello");
}

TEST(Tls, SecondConnection_ResumesTheSession) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client();
  const Endpoint to = server.listener->endpoint();
  EXPECT_EQ(*loop.run(connect_and_ask(*context, to, "demo.test", "info")), "TLSv1.3 full demo.test");
  EXPECT_EQ(*loop.run(connect_and_ask(*context, to, "demo.test", "info")), "TLSv1.3 resumed demo.test");
  EXPECT_EQ(*loop.run(connect_and_ask(*context, to, "mail.demo.test", "info")), "TLSv1.3 full mail.demo.test");
}

TEST(Tls, LargeAnswer_ComesWhole) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client();
  const auto answer = loop.run(connect_and_ask(*context, server.listener->endpoint(), "demo.test", "big"));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->size(), 3'000'000u);
}

TEST(Tls, Verify_KnownRootAndName_Connects) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client({Level::verify, identity.settings.certificate});
  for (const std::string name : {"mail.demo.test", "demo.test", "127.0.0.1"}) {
    EXPECT_TRUE(loop.run(connect(*context, server.listener->endpoint(), name))) << name;
  }
}

TEST(Tls, Verify_OtherNameOrUnknownRoot_IsDenied) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto other_name =
      loop.run(connect(*client({Level::verify, identity.settings.certificate}), server.listener->endpoint(), "other.test"));
  ASSERT_FALSE(other_name);
  EXPECT_EQ(other_name.error().cause, Error::Cause::denied);
  EXPECT_NE(other_name.error().text.find("other.test"), std::string::npos) << other_name.error().text;
  const Identity stranger;
  const auto other_root =
      loop.run(connect(*client({Level::verify, stranger.settings.certificate}), server.listener->endpoint(), "demo.test"));
  ASSERT_FALSE(other_root);
  EXPECT_EQ(other_root.error().cause, Error::Cause::denied);
}

TEST(Tls, Verify_Expired_IsDeniedAndOpportunisticIsNot) {
  const Identity identity(-3);
  const Server server(identity);
  ASSERT_EQ(server.context->warnings().size(), 1u);
  EXPECT_NE(server.context->warnings()[0].find("expired on"), std::string::npos);
  TestLoop loop;
  EXPECT_FALSE(loop.run(connect(*client({Level::verify, identity.settings.certificate}), server.listener->endpoint(), "demo.test")));
  EXPECT_TRUE(loop.run(connect(*client(), server.listener->endpoint(), "demo.test")));
}

TEST(Tls, LevelNone_Refuses) {
  TestLoop loop;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  const auto refused = loop.run(client({Level::none, ""})->connect(std::move(near), "demo.test", kLong));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Error::Cause::unsupported);
}

Task<Result<std::unique_ptr<Stream>>> dial(Endpoint to) {
  auto dialer = net::make_tcp_dialer();
  co_return co_await dialer->dial(to, kLong);
}

TEST(Tls, WrongProtocolBytes_FailTheHandshakeAndClose) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  auto stream = loop.run(dial(server.listener->endpoint()));
  ASSERT_TRUE(stream);
  ASSERT_TRUE(loop.run((*stream)->write("EHLO plain.example.org\r\nMAIL FROM:<a@example.org>\r\n", kLong)));
  loop.run_until([&] { return server.failed.load(); });
  EXPECT_NE(server.failure.find("wrong version number"), std::string::npos) << server.failure;
}

TEST(Tls, ClientVanishesInTheHandshake_IsClosed) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  {
    auto stream = loop.run(dial(server.listener->endpoint()));
    ASSERT_TRUE(stream);
    ASSERT_TRUE(loop.run((*stream)->write(std::string_view("\x16\x03\x01\x02\x00\x01\x00", 7), kLong)));
  }
  loop.run_until([&] { return server.failed.load(); });
  EXPECT_NE(server.failure, "");
}

Task<> connect_into(ClientContext& context, Endpoint to, net::Cancellation& cancel, std::optional<Result<std::unique_ptr<Stream>>>& into) {
  auto dialer = net::make_tcp_dialer();
  auto plain = co_await dialer->dial(to, kLong);
  GODWIT_CHECK(plain);
  into = co_await context.connect(*std::move(plain), "mail.demo.test", kLong, &cancel);
}

TEST(Tls, HandshakeWithASilentServer_CanBeCancelled) {
  net::LoopPool loops(1);
  const auto listener = *net::listen_tcp(loops, kAnyPort);
  std::atomic<bool> accepted{false};
  std::unique_ptr<Stream> silent;
  listener->start([&](std::size_t, std::unique_ptr<Stream> stream) {
    silent = std::move(stream);
    accepted = true;
  });
  loops.run();
  const auto context = ClientContext::create({});
  ASSERT_TRUE(context);
  TestLoop loop;
  net::Cancellation cancel;
  std::optional<Result<std::unique_ptr<Stream>>> result;
  loop.start(connect_into(**context, listener->endpoint(), cancel, result));
  loop.run_until([&] { return accepted.load(); });
  loop.poll();
  cancel.cancel();
  loop.run_until([&] { return result.has_value(); });
  EXPECT_FALSE(*result);
  EXPECT_EQ(result->error().cause, Error::Cause::cancelled);
  listener->close();
  loops.stop();
  silent.reset();
}

TEST(Tls, SilentClient_EndsWithTheHandshakesDeadline) {
  const Identity identity;
  const Server server(identity, kShort);
  TestLoop loop;
  auto stream = loop.run(dial(server.listener->endpoint()));
  ASSERT_TRUE(stream);
  loop.run_until([&] { return server.failed.load(); });
  EXPECT_NE(server.failure.find("timed out"), std::string::npos) << server.failure;
}

Task<> drip(Stream& stream, std::atomic<bool>& stop) {
  auto clock = make_system_clock();
  for (int i = 0; i < 1'000 && !stop; ++i) {
    co_await clock->sleep(std::chrono::milliseconds(5));
    const auto written = co_await stream.write(i == 0 ? std::string_view("\x16\x03\x01\x3f\xff", 5) : std::string_view("\0", 1), kLong);
    if (!written) co_return;
  }
}

TEST(Tls, DrippingClient_DoesNotStretchTheDeadline) {
  const Identity identity;
  Server server(identity, kShort);
  TestLoop loop;
  auto stream = loop.run(dial(server.listener->endpoint()));
  ASSERT_TRUE(stream);
  loop.start(drip(**stream, server.failed));
  loop.run_until([&] { return server.failed.load(); });
  EXPECT_NE(server.failure.find("timed out"), std::string::npos) << server.failure;
}

TEST(Tls, PeerCutsWithoutCloseNotify_ReadIsClosed) {
  const Identity identity;
  Server server(identity);
  TestLoop loop;
  auto dialed = loop.run(dial(server.listener->endpoint()));
  ASSERT_TRUE(dialed);
  Stream* plain = dialed->get();
  const auto context = client();
  {
    auto stream = loop.run(context->connect(*std::move(dialed), "demo.test", kLong));
    ASSERT_TRUE(stream);
    ASSERT_EQ(*loop.run(ask(**stream, "x")), "x");
    plain->close();
  }
  loop.run_until([&] { return server.failed.load(); });
  EXPECT_EQ(server.ended, "closed");
}

Task<Result<std::size_t>> read_once(Stream& stream) {
  std::string room(100, '\0');
  const std::span<char> span(room);
  co_return co_await stream.read(span, kLong);
}
Task<> wait_for(Stream& stream, Duration timeout, std::string& how) {
  const auto waited = co_await stream.wait_readable(timeout);
  how = waited ? "ok" : std::string(to_string(waited.error().cause));
}

TEST(Tls, PeerEndsWithCloseNotify_ReadIsZero) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client();
  auto stream = loop.run(connect(*context, server.listener->endpoint(), "demo.test"));
  ASSERT_TRUE(stream);
  EXPECT_EQ(*loop.run(ask(**stream, "bye")), "bye");
  const auto end = loop.run(read_once(**stream));
  ASSERT_TRUE(end) << end.error().text;
  EXPECT_EQ(*end, 0u);
}

TEST(Tls, WaitReadable_TimesOutIsCancelledAndSeesData) {
  const Identity identity;
  const Server server(identity);
  TestLoop loop;
  const auto context = client();
  auto stream = loop.run(connect(*context, server.listener->endpoint(), "demo.test"));
  ASSERT_TRUE(stream);
  std::string how;
  loop.run(wait_for(**stream, kShort, how));
  EXPECT_EQ(how, "timed_out");
  how.clear();
  loop.start(wait_for(**stream, kLong, how));
  loop.poll();
  (*stream)->cancel();
  loop.run_until([&] { return !how.empty(); });
  EXPECT_EQ(how, "cancelled");
  ASSERT_TRUE(loop.run((*stream)->write("ab\r\n", kLong)));
  loop.run(wait_for(**stream, kLong, how));
  EXPECT_EQ(how, "ok");
  EXPECT_EQ(*loop.run(read_once(**stream)), 4u);
  (*stream)->close();
  (*stream)->close();
  EXPECT_FALSE(loop.run((*stream)->write("x", kLong)));
  EXPECT_FALSE(loop.run(read_once(**stream)));
}

TEST(Tls, NotASocketBelow_IsUnsupported) {
  const Identity identity;
  TestLoop loop;
  auto [near, far] = testing::make_memory_streams(loop.clock());
  const auto context = *ServerContext::create(identity.settings);
  const auto failed = loop.run(context->accept(std::move(near), kLong));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().cause, Error::Cause::unsupported);
}

std::string error_of(const ServerSettings& settings) {
  const auto context = ServerContext::create(settings);
  return context ? "" : context.error().text;
}

TEST(ServerContext, Errors_NameTheFileAndTheMend) {
  const Identity identity;
  const Identity other;
  const std::string missing = identity.directory + "/none.pem";
  EXPECT_EQ(error_of({missing, identity.settings.key}),
            "certificate file " + missing + " does not exist: set [tls] certificate to a PEM file");
  EXPECT_EQ(error_of({identity.settings.certificate, missing}), "key file " + missing + " does not exist: set [tls] key to a PEM file");
  EXPECT_NE(error_of({identity.settings.certificate, other.settings.key}).find("does not belong to the certificate"), std::string::npos);
  EXPECT_NE(error_of({identity.settings.key, identity.settings.key}).find("holds no usable certificate"), std::string::npos);
  EXPECT_NE(error_of({identity.settings.certificate, identity.settings.certificate}).find("holds no private key"), std::string::npos);
  EXPECT_NE(error_of({identity.directory, identity.settings.key}).find("cannot be read"), std::string::npos);
  const std::string locked = identity.directory + "/locked.pem";
  const std::string command = "openssl pkey -in " + identity.settings.key + " -aes128 -passout pass:x -out " + locked + " 2>/dev/null";
  if (std::system(command.c_str()) == 0) {
    EXPECT_NE(error_of({identity.settings.certificate, locked}).find("has a pass phrase"), std::string::npos);
  }
}

TEST(ServerContext, KeyOfAnotherUser_SaysWhoMustOwnIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const Identity identity;
  std::filesystem::permissions(identity.directory, std::filesystem::perms(0755));
  ASSERT_EQ(::seteuid(65'534), 0);
  const std::string text = error_of(identity.settings);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_NE(text.find(identity.settings.key + " cannot be read by nobody"), std::string::npos) << text;
  EXPECT_NE(text.find("chown nobody"), std::string::npos) << text;
}

TEST(ServerContext, KeyForEverybody_IsAWarning) {
  const Identity identity;
  std::filesystem::permissions(identity.settings.key, std::filesystem::perms(0644));
  const auto context = ServerContext::create(identity.settings);
  ASSERT_TRUE(context);
  ASSERT_EQ((*context)->warnings().size(), 1u);
  EXPECT_NE((*context)->warnings()[0].find("chmod"), std::string::npos);
}

TEST(SelfSigned, Files_HaveTheirModesAndAreReplaced) {
  const Identity identity;
  struct stat file{};
  ASSERT_EQ(::stat(identity.settings.key.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  const std::vector<std::string> names{"second.test"};
  EXPECT_TRUE(make_self_signed(names, identity.settings.certificate, identity.settings.key));
  EXPECT_TRUE(ServerContext::create(identity.settings));
}

TEST(SelfSigned, BadNamesAndPaths_AreErrors) {
  const Identity identity;
  const auto& [certificate, key] = identity.settings;
  EXPECT_FALSE(make_self_signed({"a.test,IP:192.0.2.1"}, certificate, key));
  EXPECT_FALSE(make_self_signed({}, certificate, key));
  EXPECT_FALSE(make_self_signed({"a.test"}, "/nonexistent/cert.pem", "/nonexistent/key.pem"));
}

TEST(ClientContext, MissingRoots_IsAnError) {
  const auto context = ClientContext::create({Level::verify, "/nonexistent/ca.pem"});
  ASSERT_FALSE(context);
  EXPECT_NE(context.error().text.find("/nonexistent/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace godwit::tls
