// What transcripts cannot say: compressed connections, what becomes of the bytes of an APPEND, limits that many messages reach.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/net/deflate_stream.h"
#include "frontend/imapd/imap_fixture.h"
#include "grammar/imap/limits.h"
#include "testing/memory_client.h"

namespace godwit::imapd {
namespace {

using namespace std::string_literals;

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kAnna = "anna@example.org";

class ImapSessionTest : public ::testing::Test {
 protected:
  ImapSessionTest() {
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
  // Logged in; whatever comes is read.
  testing::MemoryClient log_in(testing::MemoryStreamOptions options = {}) {
    auto client = connect(options);
    client.read_all();
    EXPECT_THAT(ask(client, "l LOGIN anna@example.org secret\r\n"), HasSubstr("l OK "));
    return client;
  }
  // What comes back to it.
  static std::string ask(const testing::MemoryClient& client, std::string bytes) {
    client.take();
    client.say(std::move(bytes));
    return client.received();
  }
  std::vector<std::string> wrong_rows() { return world_.loop().run(world_.mailboxes->verify(world_.account(kAnna)->id)).value(); }
  std::uint32_t messages() { return world_.mailbox_of(kAnna, "INBOX")->total; }

  testing::ImapWorld world_;
};

// --- COMPRESS (RFC 4978)

class ImapCompress : public ImapSessionTest, public ::testing::WithParamInterface<std::size_t> {};

// A piece at a time by the loop's own clock: the client reads until it has the line that it waits for.
std::string read_until(const testing::MemoryClient& client, std::string_view end) {
  while (!client.received().ends_with(end) && !client.ended()) client.read_some(4'096);
  return client.take();
}

TEST_P(ImapCompress, EverythingBehindTheAnswer_IsCompressed) {
  ASSERT_TRUE(world_.add_mail(kAnna, "", "Subject: x\r\n\r\n" + std::string(200'000, 'y') + "\r\n").has_value());
  const auto client = connect({.segment = GetParam()});
  client.say("l LOGIN anna@example.org secret\r\nx ID NIL\r\nc COMPRESS DEFLATE\r\n");
  EXPECT_THAT(read_until(client, "c OK Compression begins\r\n"), Not(HasSubstr("\nc BAD")));
  client.wrap([](auto stream) { return net::make_deflate_stream(std::move(stream)); });
  client.say("a CAPABILITY\r\n");
  EXPECT_THAT(read_until(client, "a OK That is all\r\n"), Not(HasSubstr("COMPRESS")));
  client.say("s SELECT INBOX\r\nf FETCH 1 BODY[]\r\n");
  EXPECT_THAT(read_until(client, "f OK Fetched\r\n"), HasSubstr(std::string(200'000, 'y')));
  client.say("d COMPRESS DEFLATE\r\n");
  EXPECT_EQ(read_until(client, "\r\n"), "d NO [COMPRESSIONACTIVE] The connection is compressed already\r\n");
  // a message that comes in pieces, through the same stream
  client.say("p APPEND INBOX {100000+}\r\n" + std::string(100'000, 'z') + "\r\n");
  EXPECT_THAT(read_until(client, " Kept\r\n"), HasSubstr("p OK [APPENDUID "));
  client.say("q LOGOUT\r\n");
  read_until(client, "nothing more");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(world_.sessions(), 0u);
  EXPECT_EQ(messages(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Segments, ImapCompress, ::testing::Values(0, 1, 7));

TEST_F(ImapSessionTest, Compress_WithSomethingBehindIt_IsRefused) {
  const auto client = log_in();
  EXPECT_EQ(ask(client, "c COMPRESS DEFLATE\r\nn NOOP\r\n"),
            "c BAD Nothing may follow COMPRESS before its answer\r\nn OK Nothing done\r\n");
  EXPECT_THAT(ask(client, "c COMPRESS LZW\r\n"), StartsWith("c BAD "));
}

TEST_F(ImapSessionTest, Compress_NotBeforeTheLogin_AndNotWhereItIsSwitchedOff) {
  const auto stranger = connect();
  stranger.read_all();
  EXPECT_EQ(ask(stranger, "c COMPRESS DEFLATE\r\n"), "c BAD Log in first\r\n");
  world_.settings.without = {"COMPRESS=DEFLATE"};
  EXPECT_EQ(ask(log_in(), "c COMPRESS DEFLATE\r\n"), "c BAD This server does not have that command\r\n");
}

TEST_F(ImapSessionTest, Compress_Rubbish_EndsTheSession) {
  const auto client = log_in();
  EXPECT_EQ(ask(client, "c COMPRESS DEFLATE\r\n"), "c OK Compression begins\r\n");
  client.say("\xff\xff\xff\xff this is no deflate stream\r\n");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(world_.sessions(), 0u);
}

TEST_F(ImapSessionTest, Compress_StopWhileWaiting_IsTold) {
  const auto client = connect();
  client.say("l LOGIN anna@example.org secret\r\nc COMPRESS DEFLATE\r\n");
  read_until(client, "c OK Compression begins\r\n");
  client.wrap([](auto stream) { return net::make_deflate_stream(std::move(stream)); });
  world_.stop();
  world_.loop().poll();
  EXPECT_THAT(read_until(client, "nothing more"), StartsWith("* BYE "));
  EXPECT_EQ(world_.sessions(), 0u);
}

// --- APPEND: what is refused leaves no bytes behind

TEST_F(ImapSessionTest, Append_Refused_LetsGoOfItsBytes) {
  struct Case {
    std::string name, command, answer;
    std::size_t dropped;
  };
  const Case cases[] = {
      {"no such mailbox", "a APPEND Nowhere {3+}\r\nabc\r\n", "a NO [TRYCREATE] ", 0},
      {"an empty one among them", "a APPEND INBOX {3+}\r\nabc {0+}\r\n\r\n", "a NO An empty message calls APPEND off", 2},
      {"a NUL without literal8", "a APPEND INBOX {3+}\r\na\0c {3+}\r\nabc\r\n"s, "a BAD There is a NUL", 2},
      {"UTF8 without ENABLE", "a APPEND INBOX UTF8 (~{3+}\r\nabc)\r\n", "a BAD ENABLE UTF8=ACCEPT comes first", 1},
      {"rubbish behind the message", "a APPEND INBOX {3+}\r\nabc rubbish\r\n", "a BAD ", 1},
      {"the second is no message", "a APPEND INBOX {3+}\r\nabc (\\Seen) {3+}\r\nabc {x}\r\n", "a BAD ", 2},
  };
  const auto client = log_in();
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const std::size_t before = world_.blobs.dropped().size();
    EXPECT_THAT(ask(client, each.command), HasSubstr(each.answer));
    EXPECT_EQ(world_.blobs.dropped().size() - before, each.dropped);
    EXPECT_TRUE(world_.blobs.ids().empty());
  }
  EXPECT_THAT(ask(client, "b APPEND INBOX {3+}\r\nabc\r\n"), HasSubstr("b OK [APPENDUID "));
  EXPECT_EQ(world_.blobs.ids().size(), 1u);
  EXPECT_EQ(messages(), 1u);
}

TEST_F(ImapSessionTest, Append_ThatTheRowsDoNotTake_LetsGoOfItsBytes) {
  const auto client = log_in();
  world_.engine.fail_at(1, testing::MemoryEngine::Failure::full);
  EXPECT_THAT(ask(client, "a APPEND INBOX {3+}\r\nabc {3+}\r\ndef\r\n"), HasSubstr("a NO [UNAVAILABLE] "));
  EXPECT_EQ(world_.blobs.dropped().size(), 2u);
  EXPECT_TRUE(world_.blobs.ids().empty());
  world_.blobs.fail_syncs(true);
  EXPECT_THAT(ask(client, "a APPEND INBOX {3+}\r\nabc\r\n"), HasSubstr("a NO [UNAVAILABLE] "));
  EXPECT_TRUE(world_.blobs.ids().empty());
}

TEST_F(ImapSessionTest, Append_OverQuotaInTheMiddle_LetsGoOfWhatHasCome) {
  world_.settings.quota = {100, 0};
  const auto client = log_in();
  EXPECT_THAT(ask(client, "a APPEND INBOX {60+}\r\n" + std::string(60, 'x') + " {60+}\r\n" + std::string(60, 'y') + "\r\n"),
              HasSubstr("a NO [OVERQUOTA] "));
  EXPECT_EQ(world_.blobs.dropped().size(), 1u);
  EXPECT_TRUE(world_.blobs.ids().empty());
}

TEST_F(ImapSessionTest, Append_ClientThatVanishes_LeavesNoBytes) {
  struct Case {
    std::string name, bytes;
  };
  const Case cases[] = {
      {"within the message", "a APPEND INBOX {1000+}\r\nabc"},
      {"behind the first", "a APPEND INBOX {3+}\r\nabc"},
      {"within the second", "a APPEND INBOX {3+}\r\nabc {1000+}\r\nabc"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const auto client = log_in();
    client.say(each.bytes);
    client.close();
    world_.loop().advance(std::chrono::minutes(5));
    EXPECT_EQ(world_.sessions(), 0u);
    EXPECT_TRUE(world_.blobs.ids().empty());
  }
  EXPECT_EQ(messages(), 0u);
}

// --- MULTIAPPEND (RFC 3502): all or none, and no more than one batch of rows holds

std::string multiappend(std::size_t count, const std::function<std::string(std::size_t)>& message) {
  std::string command = "a APPEND INBOX";
  for (std::size_t i = 0; i < count; ++i) {
    const std::string bytes = message(i);
    command += fmt::format(" {{{}+}}\r\n", bytes.size()) + bytes;
  }
  return command + "\r\n";
}

TEST_F(ImapSessionTest, MultiAppend_AsManyAsThereMayBe) {
  const auto client = log_in({.window = 8u << 20});
  EXPECT_THAT(ask(client, multiappend(imap::kMaxAppendMessages, [](std::size_t i) { return fmt::format("Subject: {}\r\n\r\n", i); })),
              HasSubstr("a OK [APPENDUID "));
  EXPECT_EQ(messages(), imap::kMaxAppendMessages);
  EXPECT_EQ(world_.blobs.ids().size(), imap::kMaxAppendMessages);
  EXPECT_TRUE(world_.blobs.dropped().empty());
  EXPECT_TRUE(wrong_rows().empty());
}

TEST_F(ImapSessionTest, MultiAppend_OneTooMany_KeepsNone) {
  const auto client = log_in({.window = 8u << 20});
  EXPECT_EQ(ask(client, multiappend(imap::kMaxAppendMessages + 1, [](std::size_t) { return "x\r\n"; })),
            "a BAD too many messages in one APPEND\r\n");
  EXPECT_THAT(ask(client, "n NOOP\r\n"), HasSubstr("n OK "));
  EXPECT_EQ(messages(), 0u);
  EXPECT_EQ(world_.blobs.dropped().size(), imap::kMaxAppendMessages);
  EXPECT_TRUE(world_.blobs.ids().empty());
}

// Each names twenty others: their rows do not go into one batch.
TEST_F(ImapSessionTest, MultiAppend_OfMoreRowsThanABatchHolds_KeepsNone) {
  const auto references = [](std::size_t i) {
    std::string bytes = "References:";
    for (int k = 0; k < 20; ++k) bytes += fmt::format("\r\n <{}.{}@example.net>", i, k);
    return bytes + "\r\n\r\nbody\r\n";
  };
  const auto client = log_in({.window = 8u << 20});
  EXPECT_THAT(ask(client, multiappend(imap::kMaxAppendMessages, references)), HasSubstr("a NO [LIMIT] too many messages at once"));
  EXPECT_EQ(messages(), 0u);
  EXPECT_EQ(world_.blobs.dropped().size(), imap::kMaxAppendMessages);
  EXPECT_TRUE(world_.blobs.ids().empty());
  EXPECT_TRUE(wrong_rows().empty());
  EXPECT_THAT(ask(client, multiappend(100, references)), HasSubstr("a OK [APPENDUID "));
  EXPECT_EQ(messages(), 100u);
}

}  // namespace
}  // namespace godwit::imapd
