// What transcripts cannot say: third parties that throw, clients that do not read, shutdown under way, memory.

#include "frontend/smtpd/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "testing/smtp_world.h"

namespace godwit::smtpd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// One client by hand.
struct Client {
  std::shared_ptr<net::Stream> stream;
  std::shared_ptr<std::string> received = std::make_shared<std::string>();

  static Task<> collect(std::shared_ptr<net::Stream> stream, std::shared_ptr<std::string> into) {
    std::string buffer(4'096, '\0');
    for (;;) {
      const auto got = co_await stream->read(buffer, std::chrono::hours(24));
      if (!got || *got == 0) break;
      into->append(buffer, 0, *got);
    }
    into->append("[end]");
  }
  static Task<> write(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes, std::chrono::hours(24)), "the server may have closed");
  }
};

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    GODWIT_CHECK(world.mail.add_domain("example.org").has_value());
    GODWIT_CHECK(world.mail.add_account("bob@example.org", "secret").has_value());
  }

  std::unique_ptr<net::Stream> streams(Client& client, testing::MemoryStreamOptions options = {}) {
    auto [server, end] = testing::make_memory_streams(world.loop().clock(), options);
    client.stream = std::move(end);
    return std::move(server);
  }
  Client connect(testing::MemoryStreamOptions options = {}, bool reads = true) {
    Client client;
    auto server = streams(client, options);
    if (reads) world.loop().start(Client::collect(client.stream, client.received));
    world.serve(std::move(server));
    world.loop().poll();
    return client;
  }
  void say(const Client& client, std::string bytes) {
    world.loop().start(Client::write(client.stream, std::move(bytes)));
    world.loop().poll();
  }

  void cut() {
    for (const char* what : {"stop", "cut"}) ASSERT_TRUE(world.directive({testing::TranscriptStep::Kind::directive, 1, what, {what}, ""}));
    world.loop().poll();
  }

  testing::SmtpWorld world;
};

class ThrowingIntake final : public intake::Intake {
 public:
  Task<std::expected<std::unique_ptr<intake::Transaction>, smtp::Reply>> begin(const intake::Source&, intake::MailParameters) override {
    throw std::runtime_error("a third party");
    co_return std::unexpected(smtp::Reply());
  }
};

TEST_F(SessionTest, Exception_Is421AndTheEndOfTheSession) {
  ThrowingIntake throwing;
  net::TaskGroup tasks;
  Context context{
      .intake = throwing,
      .directory = *world.mail.directory,
      .clock = world.loop().clock(),
      .random = world.mail.random,
      .tls = [] { return nullptr; },
      .settings = [this] { return std::make_shared<const Settings>(world.settings); },
      .tasks = tasks,
      .limits = world.limits,
  };
  Client client;
  auto server = streams(client);
  world.loop().start(Client::collect(client.stream, client.received));
  net::spawn(world.loop().executor(), tasks, "smtpd", serve(std::move(server), Role::mx, context));
  world.loop().poll();
  say(client, "EHLO c\r\nMAIL FROM:<a@other.test>\r\n");
  EXPECT_THAT(*client.received, HasSubstr("\r\n421 4.3.0 Internal error, closing connection\r\n[end]"));
  EXPECT_EQ(tasks.running(), 0u);
  EXPECT_EQ(world.limits.open(), 0u);
}

TEST_F(SessionTest, ClientThatNeverReads_IsLetGo) {
  testing::MemoryStreamOptions options;
  options.window = 64;  // the greeting alone nearly fills it
  const auto client = connect(options, false);
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "NOOP\r\n";
  say(client, many);
  EXPECT_EQ(world.sessions(), 1u);
  world.loop().advance(std::chrono::minutes(5) + std::chrono::seconds(1));
  EXPECT_EQ(world.sessions(), 0u);
}

TEST_F(SessionTest, ManyPipelinedCommands_AllAnswered) {
  const auto client = connect();
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "NOOP\r\n";
  say(client, many);
  std::size_t replies = 0;
  for (std::size_t at = 0; (at = client.received->find("250 2.0.0 Ok\r\n", at)) != std::string::npos; ++at) ++replies;
  EXPECT_EQ(replies, 20'000u);
}

TEST_F(SessionTest, StopDuringCommit_TheMessageIsKeptAndAcknowledged) {
  const auto client = connect();
  say(client, "EHLO c\r\nMAIL FROM:<a@other.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
  world.mail.blobs.hold_syncs(true);
  say(client, "Subject: x\r\n\r\ntext\r\n.\r\n");
  EXPECT_THAT(*client.received, ::testing::Not(HasSubstr("kept")));
  ASSERT_TRUE(world.directive({testing::TranscriptStep::Kind::directive, 1, "stop", {"stop"}, ""}));
  world.loop().poll();
  EXPECT_EQ(world.sessions(), 1u);
  world.mail.blobs.hold_syncs(false);
  world.loop().poll();
  EXPECT_THAT(*client.received, HasSubstr("kept\r\n421 4.3.2 "));
  EXPECT_EQ(world.mail.stored().size(), 1u);
  EXPECT_EQ(world.sessions(), 0u);
}

TEST_F(SessionTest, CutDuringCommit_TheMessageIsKeptAndAcknowledged) {
  const auto client = connect();
  say(client, "EHLO c\r\nMAIL FROM:<a@other.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
  world.mail.blobs.hold_syncs(true);
  say(client, "Subject: x\r\n\r\ntext\r\n.\r\n");
  cut();
  EXPECT_EQ(world.sessions(), 1u);
  world.mail.blobs.hold_syncs(false);
  world.loop().poll();
  EXPECT_THAT(*client.received, EndsWith("kept\r\n421 4.3.2 mx.example.org closing: the server is stopping\r\n[end]"));
  EXPECT_EQ(world.mail.stored().size(), 1u);
}

TEST_F(SessionTest, CutOfAClientThatNeverReads_EndsItsWrite) {
  testing::MemoryStreamOptions options;
  options.window = 64;
  const auto deaf = connect(options, false);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "NOOP\r\n";
  say(deaf, many);
  cut();
  EXPECT_EQ(world.sessions(), 0u);
}

// Its transaction is open, and in the window there is room for replies but not for the 421.
TEST_F(SessionTest, CutWithFullWindow_DoesNotWaitForTheClient) {
  testing::MemoryStreamOptions options;
  const std::size_t replies = std::string("220 mx.example.org ESMTP Godwit\r\n250 mx.example.org\r\n250 2.1.0 Ok\r\n").size();
  options.window = replies + 10;
  const auto client = connect(options, false);
  say(client, "HELO c\r\n");
  say(client, "MAIL FROM:<a@other.test>\r\n");
  cut();
  EXPECT_EQ(world.sessions(), 1u);
  world.loop().advance(std::chrono::seconds(2));
  EXPECT_EQ(world.sessions(), 0u);
}

TEST_F(SessionTest, StopWhileIdle_SaysSoAtOnce) {
  const auto client = connect();
  say(client, "EHLO c\r\n");
  ASSERT_TRUE(world.directive({testing::TranscriptStep::Kind::directive, 1, "stop", {"stop"}, ""}));
  world.loop().poll();
  EXPECT_THAT(*client.received, EndsWith("\r\n421 4.3.2 mx.example.org closing: the server is stopping\r\n[end]"));
}

// A handshake that the client does not go on with.
class StuckTls final : public net::TlsAcceptor {
 public:
  Task<Result<std::unique_ptr<net::Stream>>> accept(std::unique_ptr<net::Stream> plain, Duration timeout) override {
    GODWIT_CO_TRY(co_await plain->wait_readable(timeout));
    co_return plain;
  }
};

TEST_F(SessionTest, StopDuringAHandshake_EndsItAtOnce) {
  struct Case {
    Role role;
    std::string says;
  };
  for (const Case& c : {Case{Role::submissions, ""}, Case{Role::mx, "EHLO c\r\nMAIL FROM:<a@other.test>\r\nSTARTTLS\r\n"}}) {
    SCOPED_TRACE(to_string(c.role));
    net::TaskGroup tasks;
    Context context{
        .intake = *world.mail.intake,
        .directory = *world.mail.directory,
        .clock = world.loop().clock(),
        .random = world.mail.random,
        .tls = [] { return std::make_shared<StuckTls>(); },
        .settings = [this] { return std::make_shared<const Settings>(world.settings); },
        .tasks = tasks,
        .limits = world.limits,
    };
    Client client;
    auto server = streams(client);
    world.loop().start(Client::collect(client.stream, client.received));
    net::spawn(world.loop().executor(), tasks, "smtpd", serve(std::move(server), c.role, context));
    world.loop().poll();
    say(client, c.says);
    const std::string before = *client.received;
    EXPECT_THAT(before, EndsWith(c.says.empty() ? "" : "220 2.0.0 Ready to start TLS\r\n"));
    EXPECT_EQ(tasks.running(), 1u);
    tasks.stop();
    world.loop().poll();
    EXPECT_EQ(tasks.running(), 0u);
    EXPECT_EQ(*client.received, before + "[end]");
  }
}

TEST_F(SessionTest, ClientGoneDuringCommit_TheMessageIsKept) {
  const auto client = connect();
  say(client, "EHLO c\r\nMAIL FROM:<a@other.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
  world.mail.blobs.hold_syncs(true);
  say(client, "Subject: x\r\n\r\ntext\r\n.\r\n");
  client.stream->close();
  world.mail.blobs.hold_syncs(false);
  world.loop().poll();
  EXPECT_EQ(world.mail.stored().size(), 1u);
  EXPECT_EQ(world.sessions(), 0u);
}

TEST_F(SessionTest, SubmissionsWithoutCertificate_JustEnds) {
  world.role = Role::submissions;
  world.tls_available = false;
  const auto client = connect();
  EXPECT_EQ(*client.received, "[end]");
}

TEST_F(SessionTest, SubmissionsOverTheLimit_SaysNothingInPlainText) {
  world.role = Role::submissions;
  world.limits.set(0, 0);
  const auto client = connect();
  EXPECT_EQ(*client.received, "[end]");
}

TEST_F(SessionTest, LargeBody_StreamsThroughWithoutBeingHeld) {
  const auto client = connect();
  say(client, "EHLO c\r\nMAIL FROM:<a@other.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
  std::string megabyte;
  while (megabyte.size() < 1 << 20) megabyte += std::string(76, 'x') + "\r\n";
  for (int i = 0; i < 8; ++i) say(client, megabyte);
  say(client, ".\r\n");
  EXPECT_THAT(*client.received, HasSubstr("kept"));
  EXPECT_EQ(world.mail.stored().at(0).size, 8 * megabyte.size());
}

TEST_F(SessionTest, IdleSession_IsSmall) {
  // the object itself; its buffer is given back and its frames are few (bench/ measures the whole)
  EXPECT_LE(sizeof(Session), 1'024u);
}

TEST(Smtpd, EhloText_SaysWhatIsOffered) {
  const IpAddress client = *parse_ip("2001:db8::1");
  EXPECT_EQ(ehlo_text({"mx.example.org", 1'000, false, false}, client),
            "mx.example.org greets [IPv6:2001:db8::1]\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN\nHELP");
  EXPECT_THAT(ehlo_text({"mx.example.org", 1'000, true, true}, client), HasSubstr("\nSTARTTLS\nAUTH PLAIN LOGIN\n"));
}

}  // namespace
}  // namespace godwit::smtpd
