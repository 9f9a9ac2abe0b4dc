// What transcripts cannot say: bounded memory, large mailboxes, bytes that must come back exactly.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "frontend/pop3d/pop3_fixture.h"

namespace godwit::pop3d {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kAnna = "anna@example.org";

class Pop3SessionTest : public ::testing::Test {
 protected:
  Pop3SessionTest() {
    world_.settings.plaintext_from = {parse_network("0.0.0.0/0").value()};
    EXPECT_TRUE(world_.add_account(kAnna, "secret").has_value());
  }

  struct Client {
    std::unique_ptr<net::Stream> stream;
    std::string received;
    bool ended = false;
  };
  std::shared_ptr<Client> connect(testing::MemoryStreamOptions options = {}) {
    auto [server, own] = testing::make_memory_streams(world_.loop().clock(), options);
    auto client = std::make_shared<Client>();
    client->stream = std::move(own);
    world_.serve(std::move(server));
    world_.loop().poll();
    return client;
  }
  static Task<> read_some(std::shared_ptr<Client> client, std::size_t most) {
    std::string buffer(most, '\0');
    const auto got = co_await client->stream->read(buffer, std::chrono::hours(1));
    if (got) client->received.append(buffer, 0, *got);
    client->ended = !got || *got == 0;
  }
  static Task<> read_all(std::shared_ptr<Client> client) {
    while (!client->ended) co_await read_some(client, 65'536);
  }
  static Task<> write(std::shared_ptr<Client> client, std::string bytes) {
    ignore(co_await client->stream->write(bytes, std::chrono::hours(1)), "the server may have closed");
  }
  // Says all of it at once and returns all that comes back until the server closes.
  std::string talk(std::string bytes, testing::MemoryStreamOptions options = {}) {
    const auto client = connect(options);
    world_.loop().start(read_all(client));
    world_.loop().start(write(client, std::move(bytes)));
    world_.loop().poll();
    world_.loop().advance(std::chrono::minutes(5));
    EXPECT_TRUE(client->ended);
    return client->received;
  }
  // The body of the multi-line response that begins with `first`, dots undone.
  static std::string multiline(const std::string& received, const std::string& first) {
    const std::size_t at = received.find(first);
    EXPECT_NE(at, std::string::npos) << received.substr(0, 500);
    if (at == std::string::npos) return "";
    std::string out;
    for (std::size_t from = at + first.size();;) {
      const std::size_t end = received.find("\r\n", from);
      if (end == std::string::npos) return "(no end)";
      std::string line = received.substr(from, end - from);
      if (line == ".") return out;
      if (line.starts_with('.')) line.erase(0, 1);
      out += line + "\r\n";
      from = end + 2;
    }
  }
  static std::string login() { return "USER anna@example.org\r\nPASS secret\r\n"; }

  testing::Pop3World world_;
};

TEST_F(Pop3SessionTest, Retr_GivesTheBytesThatCame) {
  std::string body = "Subject: all of it\r\n\r\n.\r\n..\r\n.dot\r\n" + std::string(5'000, 'x') + "\r\n\xc3\xa4\xff\x80\r\n\r\n";
  for (int i = 0; i < 3'000; ++i) body += ".line " + std::to_string(i) + " of a long message\r\n";
  const std::string prefix = "Return-Path: <>\r\nDelivered-To: anna@example.org\r\n";
  ASSERT_TRUE(world_.add_mail(kAnna, prefix, body).has_value());
  for (const std::size_t segment : {0u, 1u, 7u}) {
    SCOPED_TRACE(segment);
    const std::string got = talk(login() + "RETR 1\r\nQUIT\r\n", {.segment = segment});
    EXPECT_EQ(multiline(got, "+OK " + std::to_string(prefix.size() + body.size()) + " octets\r\n"), prefix + body);
    EXPECT_THAT(got, EndsWith("+OK good bye\r\n"));
  }
}

TEST_F(Pop3SessionTest, MessageWithoutFinalCrlf_GetsOne) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\nno end").has_value());
  EXPECT_EQ(multiline(talk(login() + "RETR 1\r\nQUIT\r\n"), "+OK 20 octets\r\n"), "Subject: x\r\n\r\nno end\r\n");
}

TEST_F(Pop3SessionTest, EmptyMessage_IsSent) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "").has_value());
  EXPECT_EQ(multiline(talk(login() + "RETR 1\r\nQUIT\r\n"), "+OK 0 octets\r\n"), "");
}

TEST_F(Pop3SessionTest, SlowReader_HoldsLittle) {
  const std::string body = "Subject: big\r\n\r\n" + std::string(8u << 20, 'x') + "\r\n";
  ASSERT_TRUE(world_.add_mail(kAnna, "", body).has_value());
  const auto client = connect({.window = 100'000});
  world_.loop().start(write(client, login() + "RETR 1\r\nQUIT\r\n"));
  world_.loop().poll();
  world_.loop().run(read_some(client, 1'000));
  // what the server has let go of is in the pipe of 100,000 bytes: it waits for the reader, and at most a piece is with it
  EXPECT_EQ(client->received.size(), 1'000u);
  world_.loop().start(read_all(client));
  world_.loop().poll();
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(multiline(client->received, " octets\r\n").size(), body.size());
}

TEST_F(Pop3SessionTest, ReaderThatStops_IsCutOff) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: big\r\n\r\n" + std::string(1u << 20, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  world_.loop().start(write(client, login() + "DELE 1\r\nRSET\r\nRETR 1\r\n"));
  world_.loop().poll();
  EXPECT_EQ(world_.sessions(), 1u);
  world_.loop().advance(std::chrono::minutes(2));
  EXPECT_EQ(world_.sessions(), 1u);
  world_.loop().advance(std::chrono::minutes(2));
  EXPECT_EQ(world_.sessions(), 0u);
}

TEST_F(Pop3SessionTest, CutOfAReaderThatStops_EndsAtOnceAndRemovesNothing) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: big\r\n\r\n" + std::string(1u << 20, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  world_.loop().start(write(client, login() + "DELE 1\r\nRSET\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"));
  world_.loop().poll();
  world_.stop();
  world_.loop().advance(std::chrono::seconds(10));
  EXPECT_EQ(world_.sessions(), 1u);
  world_.cut();
  world_.loop().poll();
  EXPECT_EQ(world_.sessions(), 0u);
  EXPECT_EQ(world_.uids(kAnna)->size(), 1u);
}

TEST_F(Pop3SessionTest, CutBeforeAWriteToAFullWindow_DoesNotWaitForTheClient) {
  const auto client = connect({.window = std::string("+OK mx.example.org Godwit POP3 server ready\r\n").size() + 1});
  world_.loop().start(write(client, "USER anna@example.org\r\nPASS wrong\r\n"));
  world_.loop().poll();
  world_.stop();
  world_.cut();
  world_.loop().advance(world_.settings.wrong_password_delay);
  EXPECT_EQ(world_.sessions(), 1u);
  world_.loop().advance(world_.settings.farewell_timeout);
  EXPECT_EQ(world_.sessions(), 0u);
}

// A handshake that the client does not go on with.
class StuckTls final : public net::TlsAcceptor {
 public:
  Task<Result<std::unique_ptr<net::Stream>>> accept(std::unique_ptr<net::Stream> plain, Duration timeout) override {
    GODWIT_CO_TRY(co_await plain->wait_readable(timeout));
    co_return plain;
  }
};

TEST_F(Pop3SessionTest, StopDuringAHandshake_EndsItAtOnce) {
  for (const bool implicit : {true, false}) {
    SCOPED_TRACE(implicit);
    net::TaskGroup tasks;
    Context context{
        .directory = *world_.directory,
        .mailboxes = *world_.mailboxes,
        .blobs = world_.blobs,
        .clock = world_.loop().clock(),
        .tls = [] { return std::make_shared<StuckTls>(); },
        .settings = [this] { return std::make_shared<const Settings>(world_.settings); },
        .tasks = tasks,
        .limits = world_.limits,
    };
    auto [server, own] = testing::make_memory_streams(world_.loop().clock());
    const auto client = std::make_shared<Client>();
    client->stream = std::move(own);
    net::spawn(world_.loop().executor(), tasks, "pop3d", serve(std::move(server), implicit, "session1", context));
    world_.loop().start(read_all(client));
    if (!implicit) world_.loop().start(write(client, "STLS\r\n"));
    world_.loop().poll();
    EXPECT_EQ(tasks.running(), 1u);
    EXPECT_FALSE(client->ended);
    const std::string before = client->received;
    tasks.stop();
    world_.loop().poll();
    EXPECT_EQ(tasks.running(), 0u);
    EXPECT_TRUE(client->ended);
    EXPECT_EQ(client->received, before) << "nothing in plain text within a handshake";
  }
}

TEST_F(Pop3SessionTest, StopBetweenCommands_IsToldAfterTheCommand) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n" + std::string(2'000, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  world_.loop().start(write(client, login() + "RETR 1\r\n"));
  world_.loop().poll();
  world_.stop();
  world_.loop().start(read_all(client));
  world_.loop().poll();
  EXPECT_THAT(client->received, EndsWith("\r\n.\r\n-ERR [SYS/TEMP] the server is stopping\r\n"));
  EXPECT_EQ(world_.sessions(), 0u);
}

TEST_F(Pop3SessionTest, ManyMessages_AreListed) {
  for (int i = 0; i < 6'000; ++i)
    ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n" + std::string(static_cast<std::size_t>(i % 50), 'y') + "\r\n").has_value());
  const std::string got = talk(login() + "LIST\r\nUIDL\r\nDELE 6000\r\nSTAT\r\nUIDL 6000\r\nQUIT\r\n");
  EXPECT_THAT(multiline(got, "octets)\r\n+OK 6000 messages (243000 octets)\r\n"), EndsWith("\r\n6000 65\r\n"));
  EXPECT_THAT(multiline(got, "\r\n.\r\n+OK\r\n"), EndsWith("00001770\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n+OK 5999 242935\r\n-ERR the message is marked as deleted\r\n+OK good bye\r\n"));
  EXPECT_EQ(world_.uids(kAnna)->size(), 5'999u);
}

TEST_F(Pop3SessionTest, PipelinedCommands_AreAnsweredInOneWrite) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n").has_value());
  const auto client = connect();
  world_.loop().run(read_some(client, 65'536));  // the greeting
  world_.loop().run(write(client, login() + "STAT\r\nLIST\r\nNOOP\r\n"));
  world_.loop().poll();
  client->received.clear();
  world_.loop().run(read_some(client, 65'536));
  EXPECT_EQ(client->received,
            "+OK send your password\r\n+OK 1 messages (14 octets)\r\n+OK 1 14\r\n+OK 1 messages (14 octets)\r\n1 14\r\n.\r\n+OK\r\n");
}

TEST_F(Pop3SessionTest, TwoSessionsDeleteTheSame_NeitherIsHurt) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n").has_value());
  const auto one = connect();
  const auto two = connect();
  for (const auto& each : {one, two}) {
    world_.loop().start(read_all(each));
    world_.loop().start(write(each, login() + "DELE 1\r\nDELE 2\r\n"));
    world_.loop().poll();
  }
  for (const auto& each : {one, two}) world_.loop().start(write(each, "QUIT\r\n"));
  world_.loop().poll();
  for (const auto& each : {one, two}) EXPECT_THAT(each->received, EndsWith("+OK good bye\r\n"));
  EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(3));
}

TEST_F(Pop3SessionTest, CrashBeforeQuit_KeepsEverything) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n").has_value());
  const auto client = connect();
  world_.loop().start(read_all(client));
  world_.loop().run(write(client, login() + "DELE 1\r\n"));
  world_.loop().poll();
  world_.crash();
  ASSERT_TRUE(world_.restart().has_value());
  EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(1));
}

TEST_F(Pop3SessionTest, Rubbish_EndsTheSessionPolitely) {
  std::string rubbish;
  for (int i = 0; i < 30; ++i) rubbish += std::string("\x01\xff\0x", 4) + "\r\n";
  const std::string got = talk(rubbish);
  EXPECT_THAT(got, EndsWith("-ERR too many errors\r\n"));
  EXPECT_EQ(std::ranges::count(got, '\n'), 1 + 20);
}

TEST_F(Pop3SessionTest, EndlessLine_IsRefusedWithoutBeingKept) {
  EXPECT_THAT(talk(std::string(1u << 20, 'x') + "\r\nQUIT\r\n"), EndsWith("-ERR line too long\r\n+OK good bye\r\n"));
}

}  // namespace
}  // namespace godwit::pop3d
