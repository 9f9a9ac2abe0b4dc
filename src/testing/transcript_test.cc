#include "testing/transcript.h"

#include <gtest/gtest.h>

#include "edge/net/task_group.h"

namespace godwit::testing {
namespace {

using Kind = TranscriptStep::Kind;

TEST(TranscriptParser, KnowsEveryKindOfLine) {
  const auto steps = parse_transcript(
      "# a comment\n\n"
      "!advance 5m\n"
      "C: EHLO x\n"
      "C:\n"
      "C\\ a\\r\\n\\x00\\0\\\\\\{3:ab}\n"
      "S: 250 fine\n"
      "S~ 250 .*\n"
      "!stored-body\n"
      "B: one\n"
      "B\\ two\\n\n");
  ASSERT_TRUE(steps) << steps.error().text;
  ASSERT_EQ(steps->size(), 7u);
  EXPECT_EQ((*steps)[0].kind, Kind::directive);
  EXPECT_EQ((*steps)[0].arguments, (std::vector<std::string>{"advance", "5m"}));
  EXPECT_EQ((*steps)[0].line, 3u);
  EXPECT_EQ((*steps)[1].text, "EHLO x\r\n");
  EXPECT_EQ((*steps)[2].text, "\r\n");
  EXPECT_EQ((*steps)[3].text, std::string("a\r\n\0\0\\ababab", 12));
  EXPECT_EQ((*steps)[4].text, "250 fine");
  EXPECT_EQ((*steps)[5].kind, Kind::expect_pattern);
  EXPECT_EQ((*steps)[6].body, "one\r\ntwo\n");
}

TEST(TranscriptParser, Mistakes_NameTheLine) {
  for (const char* text : {"\nX: what\n", "\nS\n", "\nC\\ \\q\n", "\nC\\ \\xg0\n", "\nB: stray\n", "\n!\n", "\nC\\ \\{3ab}\n"}) {
    SCOPED_TRACE(text);
    const auto steps = parse_transcript(text);
    ASSERT_FALSE(steps);
    EXPECT_EQ(steps.error().text.substr(0, 7), "line 2:");
  }
}

// Answers each line with itself; "bye" ends.
class EchoWorld final : public TranscriptWorld {
 public:
  TestLoop& loop() override { return loop_; }
  void serve(std::unique_ptr<net::Stream> stream) override { loop_.start(echo(std::move(stream))); }
  Result<void> directive(const TranscriptStep&) override { return fail(Error::permanent(Error::Cause::not_found, "no such directive")); }
  void crash() override {}
  Result<void> restart() override { return {}; }

 private:
  static Task<> echo(std::unique_ptr<net::Stream> stream) {
    std::string buffer(100, '\0');
    for (;;) {
      const auto got = co_await stream->read(buffer, std::chrono::minutes(1));
      if (!got || *got == 0) co_return;
      const std::string text = buffer.substr(0, *got);
      ignore(co_await stream->write(text, std::chrono::minutes(1)), "a test");
      if (text == "bye\r\n") co_return;
    }
  }
  TestLoop loop_;
};

Result<void> play(std::string_view text) {
  EchoWorld world;
  TranscriptRunner runner(world);
  return runner.run(*parse_transcript(text));
}

TEST(TranscriptRunner, WhatHolds_Passes) {
  EXPECT_TRUE(play("C: hello\nS: hello\n!silent\n!open\nC: bye\nS~ b.e\n!closed\n"));
  EXPECT_TRUE(play("!segments 1\nC: hello\nS: hello\n!close\nC: again\nS: again\n"));
  EXPECT_TRUE(play("!connection a\nC: one\n!connection b\nC: two\nS: two\n!connection a\nS: one\n"));
  EXPECT_TRUE(play("C: x\nS: x\n!advance 61s\n!closed\n"));
}

TEST(TranscriptRunner, WhatDoesNotHold_Fails) {
  for (const char* text : {"C: hello\nS: other\n", "S: silence\n", "C: hello\n", "C: hello\nS~ x.*\n", "C: hello\nS: hello\n!closed\n",
                           "C: hello\n!silent\n", "!nonsense\n", "C: bye\nS: bye\n!open\n", "!advance soon\n", "C: hello\n!close\n"}) {
    EXPECT_FALSE(play(text)) << text;
  }
}

}  // namespace
}  // namespace godwit::testing
