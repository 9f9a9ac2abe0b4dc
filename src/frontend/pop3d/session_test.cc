// What transcripts cannot say: bounded memory, large mailboxes, bytes that must come back exactly.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "frontend/pop3d/pop3_fixture.h"
#include "testing/memory_client.h"

namespace godwit::pop3d {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::string_view kAnna = "anna@example.org";

class Pop3SessionTest : public ::testing::Test {
 protected:
  Pop3SessionTest() {
    world_.settings.plaintext_from = {parse_network("0.0.0.0/0").value()};
    EXPECT_TRUE(world_.add_account(kAnna, "secret").has_value());
  }

  testing::MemoryClient connect(testing::MemoryStreamOptions options = {}) {
    auto [server, own] = testing::make_memory_streams(world_.loop().clock(), options);
    testing::MemoryClient client(world_.loop(), std::move(own));
    world_.serve(std::move(server));
    world_.loop().poll();
    return client;
  }
  // Says all of it at once and returns all that comes back until the server closes.
  std::string talk(std::string bytes, testing::MemoryStreamOptions options = {}) {
    const auto client = connect(options);
    client.read_all();
    client.say(std::move(bytes));
    world_.loop().advance(std::chrono::minutes(5));
    EXPECT_TRUE(client.ended());
    return client.received();
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
  client.say(login() + "RETR 1\r\nQUIT\r\n");
  client.read_some(1'000);
  // what the server has let go of is in the pipe of 100,000 bytes: it waits for the reader, and at most a piece is with it
  EXPECT_EQ(client.received().size(), 1'000u);
  client.read_all();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(multiline(client.received(), " octets\r\n").size(), body.size());
}

TEST_F(Pop3SessionTest, ReaderThatStops_IsCutOff) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: big\r\n\r\n" + std::string(1u << 20, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  client.say(login() + "DELE 1\r\nRSET\r\nRETR 1\r\n");
  EXPECT_EQ(world_.sessions(), 1u);
  world_.loop().advance(std::chrono::minutes(2));
  EXPECT_EQ(world_.sessions(), 1u);
  world_.loop().advance(std::chrono::minutes(2));
  EXPECT_EQ(world_.sessions(), 0u);
}

TEST_F(Pop3SessionTest, CutOfAReaderThatStops_EndsAtOnceAndRemovesNothing) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: big\r\n\r\n" + std::string(1u << 20, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  client.say(login() + "DELE 1\r\nRSET\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
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
  client.say("USER anna@example.org\r\nPASS wrong\r\n");
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
        .login_delays = world_.login_delays,
    };
    auto [server, own] = testing::make_memory_streams(world_.loop().clock());
    const testing::MemoryClient client(world_.loop(), std::move(own));
    net::spawn(world_.loop().executor(), tasks, "pop3d", serve(std::move(server), implicit, "session1", context));
    client.read_all();
    if (!implicit) client.say("STLS\r\n");
    EXPECT_EQ(tasks.running(), 1u);
    EXPECT_FALSE(client.ended());
    const std::string before = client.received();
    tasks.stop();
    world_.loop().poll();
    EXPECT_EQ(tasks.running(), 0u);
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(client.received(), before) << "nothing in plain text within a handshake";
  }
}

TEST_F(Pop3SessionTest, StopBetweenCommands_IsToldAfterTheCommand) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n" + std::string(2'000, 'x') + "\r\n").has_value());
  const auto client = connect({.window = 1'000});
  client.say(login() + "RETR 1\r\n");
  world_.stop();
  client.read_all();
  EXPECT_THAT(client.received(), EndsWith("\r\n.\r\n-ERR [SYS/TEMP] the server is stopping\r\n"));
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
  client.read_some(65'536);  // the greeting
  client.say(login() + "STAT\r\nLIST\r\nNOOP\r\n");
  client.take();
  client.read_some(65'536);
  EXPECT_EQ(client.received(),
            "+OK send your password\r\n+OK 1 messages (14 octets)\r\n+OK 1 14\r\n+OK 1 messages (14 octets)\r\n1 14\r\n.\r\n+OK\r\n");
}

TEST_F(Pop3SessionTest, TwoSessionsDeleteTheSame_NeitherIsHurt) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n").has_value());
  const auto one = connect();
  const auto two = connect();
  for (const auto& each : {one, two}) {
    each.read_all();
    each.say(login() + "DELE 1\r\nDELE 2\r\n");
  }
  for (const auto& each : {one, two}) each.say("QUIT\r\n");
  for (const auto& each : {one, two}) EXPECT_THAT(each.received(), EndsWith("+OK good bye\r\n"));
  EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(3));
}

// QUIT comes in the same packet as RETR, and the client may go away without having read the message.
TEST_F(Pop3SessionTest, Expire0_WhatTheClientSaidNothingAfter_IsNotRemoved) {
  world_.settings.removes_retrieved = true;
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: big\r\n\r\n" + std::string(1u << 20, 'x') + "\r\n").has_value());
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: small\r\n\r\n" + std::string(5'000, 'x') + "\r\n").has_value());
  for (const std::string number : {"1", "2"}) {
    const auto client = connect({.window = 1'000});
    client.say(login() + "RETR " + number + "\r\nQUIT\r\n");
    client.close();
    world_.loop().advance(std::chrono::minutes(5));
    EXPECT_EQ(world_.sessions(), 0u);
    EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(1, 2));
  }
  talk(login() + "RETR 1\r\nQUIT\r\n");  // read to its end, but who knows
  EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(1, 2));
  const auto client = connect();
  client.say(login() + "RETR 1\r\n");
  client.read_all();
  client.say("QUIT\r\n");
  client.read_all();
  EXPECT_THAT(world_.uids(kAnna).value(), ElementsAre(2));
}

TEST_F(Pop3SessionTest, CrashBeforeQuit_KeepsEverything) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n").has_value());
  const auto client = connect();
  client.read_all();
  client.say(login() + "DELE 1\r\n");
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
