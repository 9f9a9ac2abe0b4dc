#include "grammar/smtp/reply.h"

#include <gtest/gtest.h>

namespace godwit::smtp {
namespace {

std::string wire(const Reply& reply) {
  std::string out;
  append_wire(out, reply);
  return out;
}

Result<Reply> parse(std::vector<std::string_view> lines) {
  ReplyParser parser;
  for (const auto line : lines) {
    GODWIT_ASSIGN(const bool complete, parser.add_line(line));
    if (complete) return parser.take();
  }
  return fail(Error::syntax("not complete", 0));
}

TEST(AppendWire, Rfc5321Section4_2_1_MultilineHasHyphens) {
  EXPECT_EQ(wire({250, {}, "First line\nSecond line\n234 Text beginning with numbers\nThe last line"}),
            "250-First line\r\n250-Second line\r\n250-234 Text beginning with numbers\r\n250 The last line\r\n");
}

TEST(AppendWire, Rfc2034_EnhancedCodeIsOnEveryLine) {
  EXPECT_EQ(wire({550, {5, 1, 1}, "No such user\nGo away"}), "550-5.1.1 No such user\r\n550 5.1.1 Go away\r\n");
  EXPECT_EQ(wire({250, {2, 0, 0}, ""}), "250 2.0.0 \r\n");
  EXPECT_EQ(wire({250, {}, ""}), "250 \r\n");
}

TEST(AppendWire, LongText_IsWrappedAtSpaces) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word ";
  const auto out = wire({554, {5, 7, 1}, text});
  std::size_t begin = 0;
  std::size_t lines = 0;
  while (begin < out.size()) {
    const auto end = out.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end + 2 - begin, 512U);
    EXPECT_EQ(out.substr(begin, 3), "554");
    EXPECT_EQ(out[begin + 3], end + 2 == out.size() ? ' ' : '-');
    begin = end + 2;
    ++lines;
  }
  EXPECT_GE(lines, 3U);
}

TEST(AppendWire, LongWordOfUtf8_IsNotCutInACharacter) {
  std::string text = "x";
  for (int i = 0; i < 600; ++i) text += "é";
  const auto out = wire({554, {}, text});
  const auto first = out.substr(4, out.find("\r\n") - 4);
  EXPECT_EQ(first.find('?'), std::string::npos);
  EXPECT_EQ((first.size() - 1) % 2, 0U);
}

TEST(AppendWire, ControlCharacters_CannotMakeALine) { EXPECT_EQ(wire({550, {}, "a\rb\x01\xff"}), "550 a?b??\r\n"); }

TEST(ReplyParser, OneAndManyLines) {
  EXPECT_EQ(parse({"250 OK"})->text, "OK");
  EXPECT_EQ(parse({"250"})->code, 250);
  EXPECT_EQ(parse({"250-a", "250-b", "250 c"})->text, "a\nb\nc");
  EXPECT_EQ(parse({"250-", "250-", "250 "})->text, "\n\n");
  EXPECT_EQ(parse({"354-x", "354"})->text, "x\n");
}

TEST(ReplyParser, Rfc2034_EnhancedCodeIsTakenOffEveryLine) {
  const auto reply = parse({"550-5.1.1 The mailbox", "550 5.1.1 is not here"});
  EXPECT_EQ(reply->enhanced, (EnhancedCode{5, 1, 1}));
  EXPECT_EQ(reply->text, "The mailbox\nis not here");
  EXPECT_EQ(reply->one_line(), "550 5.1.1 The mailbox is not here");
  EXPECT_EQ(parse({"250 2.0.0"})->enhanced, (EnhancedCode{2, 0, 0}));
  for (const char* none :
       {"550 4.1.1 other class", "250 2.0", "250 2.0.0x", "250 2.0.1000 x", "250 2..0 x", "354 3.0.0 no such class", "250 2.99999.1 x"}) {
    const auto parsed = parse({none});
    EXPECT_FALSE(parsed->enhanced.present()) << none;
    EXPECT_EQ(parsed->text, std::string(none).substr(4)) << none;
  }
}

TEST(ReplyParser, WhatIsNoReply_IsRefused) {
  for (const char* bad : {"", "25", "abc", "250x", "190 a", "650 a", "2500 a", " 250 a", "HTTP/1.1 200 OK"})
    EXPECT_FALSE(ReplyParser().add_line(bad)) << bad;
  EXPECT_FALSE(parse({"250-a", "251 b"}));
  EXPECT_FALSE(parse({"250-a", "b"}));
}

TEST(ReplyParser, Limits_EndIt) {
  ReplyParser many;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(many.add_line("250-x"));
  EXPECT_EQ(many.add_line("250-x").error().cause, Error::Cause::limit);
  ReplyParser big;
  ASSERT_TRUE(big.add_line("250-" + std::string(60'000, 'a')));
  EXPECT_EQ(big.add_line("250 " + std::string(60'000, 'a')).error().cause, Error::Cause::limit);
}

TEST(ReplyParser, StrangeBytes_BecomeQuestionMarks) { EXPECT_EQ(parse({"550 \x1b[31mred\xe9 größe"})->text, "?[31mred? größe"); }

TEST(ReplyParser, Take_MakesItNew) {
  ReplyParser parser;
  ASSERT_TRUE(*parser.add_line("250 a"));
  EXPECT_EQ(parser.take().text, "a");
  ASSERT_TRUE(*parser.add_line("550 b"));
  EXPECT_EQ(parser.take().text, "b");
}

}  // namespace
}  // namespace godwit::smtp
