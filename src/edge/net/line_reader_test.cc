#include "edge/net/line_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using testing::MemoryStreamOptions;
using testing::TestLoop;

constexpr Duration kTimeout = std::chrono::seconds(30);

struct Pair {
  explicit Pair(MemoryStreamOptions options = {}) {
    auto [server, client] = testing::make_memory_streams(loop.clock(), options);
    near = std::move(server);
    far = std::move(client);
  }

  // Writes from the far end; all of it is in the window at once.
  void send(std::string bytes) { ASSERT_TRUE(loop.run(far->write(bytes, kTimeout))); }
  std::string line(bool strict = false) {
    const auto result = loop.run(reader.read_line(*near, kTimeout, strict));
    return result ? std::string(*result) : "error " + std::string(to_string(result.error().cause));
  }
  std::string some() {
    const auto result = loop.run(reader.read_some(*near, kTimeout));
    return result ? std::string(*result) : "error " + std::string(to_string(result.error().cause));
  }

  TestLoop loop;
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
  LineReader reader{100};
};

TEST(LineReader, ReadLine_PipelinedLines_EachInTurn) {
  Pair pair;
  pair.send("EHLO a\r\nMAIL FROM:<>\nx");
  EXPECT_EQ(pair.line(), "EHLO a");
  EXPECT_TRUE(pair.reader.has_line());
  EXPECT_EQ(pair.line(), "MAIL FROM:<>");
  EXPECT_FALSE(pair.reader.has_line());
  EXPECT_TRUE(pair.reader.buffered());
  pair.send("y\r\n");
  EXPECT_EQ(pair.line(), "xy");
  EXPECT_FALSE(pair.reader.buffered());
}

TEST(LineReader, ReadLine_OneByteSegments_SameLines) {
  Pair pair({.segment = 1});
  pair.send("EHLO a\r\n\r\nQUIT\r\n");
  EXPECT_EQ(pair.line(), "EHLO a");
  EXPECT_EQ(pair.line(), "");
  EXPECT_EQ(pair.line(), "QUIT");
}

TEST(LineReader, ReadLine_BareLf_OnlyStrictRefuses) {
  Pair pair;
  pair.send("a\nb\nc\r\n");
  EXPECT_EQ(pair.line(), "a");
  EXPECT_EQ(pair.line(true), "error syntax");
  EXPECT_EQ(pair.line(true), "c");
}

TEST(LineReader, ReadLine_NulAndBareCr_ArePartOfTheLine) {
  Pair pair;
  pair.send(std::string("a\0b\rc\r\r\n", 8));
  EXPECT_EQ(pair.line(), std::string_view("a\0b\rc\r", 6));
}

TEST(LineReader, ReadLine_LengthAtTheLimit_IsTakenAndOneMoreIsNot) {
  Pair pair;
  pair.send(std::string(98, 'x') + "\r\n" + std::string(99, 'y') + "\r\nok\r\n");
  EXPECT_EQ(pair.line(), std::string(98, 'x'));
  EXPECT_EQ(pair.line(), "error limit");
  EXPECT_EQ(pair.line(), "ok");
}

TEST(LineReader, ReadLine_HugeLine_IsRefusedOnceAndSkipped) {
  for (const std::size_t segment : {0, 1, 7}) {
    Pair pair({.segment = segment});
    pair.send(std::string(50'000, 'x'));
    EXPECT_EQ(pair.line(), "error limit");
    pair.send("xxx\r\nNOOP\r\n");
    EXPECT_EQ(pair.line(), "NOOP");
  }
}

TEST(LineReader, HasLine_WhileSkipping_NeedsTheLineBehind) {
  Pair pair({.segment = 120});
  pair.send(std::string(110, 'x') + "\r\n" + std::string(118, 'y'));
  pair.reader.set_max_line(50);
  EXPECT_EQ(pair.line(), "error limit");
  EXPECT_EQ(pair.line(), "error limit");
  EXPECT_FALSE(pair.reader.has_line());
}

TEST(LineReader, ReadLine_LimitRaised_TakesALongerLine) {
  Pair pair;
  pair.reader.set_max_line(40'000);
  pair.send(std::string(39'998, 'a') + "\r\n");
  EXPECT_EQ(pair.line().size(), 39'998u);
}

TEST(LineReader, ReadLine_EndOfStream_IsClosedEvenInsideALine) {
  Pair pair;
  pair.send("whole\r\nhalf");
  pair.far->close();
  EXPECT_EQ(pair.line(), "whole");
  EXPECT_EQ(pair.line(), "error closed");
  EXPECT_EQ(pair.line(), "error closed");
}

TEST(LineReader, ReadLine_NothingArrives_TimesOut) {
  Pair pair;
  std::optional<std::string> cause;
  auto wait = [](Pair& p, std::optional<std::string>& into) -> Task<> {
    const auto line = co_await p.reader.read_line(*p.near, kTimeout);
    into = line ? "a line" : std::string(to_string(line.error().cause));
  };
  pair.loop.start(wait(pair, cause));
  pair.loop.advance(kTimeout - Duration(1));
  EXPECT_FALSE(cause);
  pair.loop.advance(Duration(2));
  EXPECT_EQ(cause, "timed_out");
}

TEST(LineReader, ReadSome_AfterALine_HandsOutTheRestThenWhatFollows) {
  Pair pair;
  pair.send("DATA\r\nbody");
  EXPECT_EQ(pair.line(), "DATA");
  EXPECT_EQ(pair.some(), "body");
  pair.reader.consume(2);
  EXPECT_EQ(pair.some(), "dy");
  pair.reader.consume(2);
  pair.send("more\r\nQUIT\r\n");
  EXPECT_EQ(pair.some(), "more\r\nQUIT\r\n");
  pair.reader.consume(6);
  EXPECT_EQ(pair.line(), "QUIT");
  pair.far->close();
  EXPECT_EQ(pair.some(), "");
}

TEST(LineReader, ReadSome_LargeBody_ComesWholeInGrowingPieces) {
  Pair pair;
  std::string body;
  for (int i = 0; i < 60'000; ++i) body += std::to_string(i) + ' ';
  pair.send(body);
  std::string got;
  std::size_t largest = 0;
  while (got.size() < body.size()) {
    const std::string piece = pair.some();
    largest = std::max(largest, piece.size());
    got += piece;
    pair.reader.consume(piece.size());
  }
  EXPECT_EQ(got, body);
  EXPECT_EQ(largest, 64u * 1024);
}

// RFC 1122 4.2.3.4: a peer under Nagle's algorithm holds a small segment back until the one before is acknowledged.
TEST(LineReader, ReadSome_BodyInSmallPieces_EachIsAcknowledgedAtOnce) {
  Pair pair;
  const auto piece = [&](std::size_t size) {
    pair.send(std::string(size, 'x'));
    EXPECT_EQ(pair.some().size(), size);
    pair.reader.consume(size);
    return testing::acknowledgements(*pair.near);
  };
  EXPECT_EQ(piece(100), 0u);    // perhaps all there is
  EXPECT_EQ(piece(100), 1u);    // the one before was short: its acknowledgement lets this one go
  EXPECT_EQ(piece(1'460), 2u);  // a whole segment waits for nobody ...
  EXPECT_EQ(piece(1'460), 2u);  // ... so what follows it needs no help
}

TEST(LineReader, ReadLine_HalfALine_IsAcknowledgedAtOnce) {
  Pair pair;
  pair.send("NOOP\r\nRCPT TO:<a");
  EXPECT_EQ(pair.line(), "NOOP");
  EXPECT_EQ(testing::acknowledgements(*pair.near), 0u);
  pair.send("@b>\r\n");
  EXPECT_EQ(pair.line(), "RCPT TO:<a@b>");
  EXPECT_EQ(testing::acknowledgements(*pair.near), 1u);
}

TEST(LineReader, Discard_BeforeTls_ForgetsWhatWasPipelined) {
  Pair pair;
  pair.send("STARTTLS\r\nMAIL FROM:<injected@example.org>\r\n");
  EXPECT_EQ(pair.line(), "STARTTLS");
  EXPECT_TRUE(pair.reader.buffered());
  pair.reader.discard();
  EXPECT_FALSE(pair.reader.buffered());
  pair.send("EHLO b\r\n");
  EXPECT_EQ(pair.line(), "EHLO b");
}

TEST(LineReader, BufferedLine_NeverWaits) {
  Pair pair;
  EXPECT_FALSE(pair.reader.buffered_line());
  pair.send("a\r\nb\r\nc");
  EXPECT_EQ(pair.line(), "a");
  const auto line = pair.reader.buffered_line();
  ASSERT_TRUE(line && *line);
  EXPECT_EQ(**line, "b");
  EXPECT_FALSE(pair.reader.buffered_line());
}

TEST(LineReader, TwoReadersOnOneLoop_DoNotShareBytes) {
  Pair first;
  first.send("secret of the first\r\n");
  EXPECT_EQ(first.line(), "secret of the first");
  first.far->close();
  EXPECT_EQ(first.line(), "error closed");  // gave its buffer back
  Pair second;
  second.send("x\r\n");
  EXPECT_EQ(second.line(), "x");
  EXPECT_FALSE(second.reader.buffered());
}

}  // namespace
}  // namespace godwit::net
