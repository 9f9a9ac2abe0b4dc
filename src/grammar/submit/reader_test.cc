#include "grammar/submit/reader.h"

#include <gtest/gtest.h>

namespace godwit::submit {
namespace {

struct Outcome {
  std::string error;
  std::string body;
  bool finished = false;
  std::size_t used = 0;
  Envelope envelope;
};

Outcome read(std::string_view input, std::size_t piece = 1'000'000) {
  Outcome out;
  Reader reader;
  while (out.used < input.size() && !reader.finished()) {
    const auto step = reader.next(input.substr(out.used, piece));
    if (!step) {
      out.error = step.error().text;
      return out;
    }
    out.body += step->bytes;
    out.used += step->consumed;
  }
  out.finished = reader.finished();
  out.envelope = reader.envelope();
  return out;
}

constexpr std::string_view kWhole =
    "submit 1\nfrom ann@example.org\nto root\nto b c@x.test\nlogin ann\nauthor Ann E\nnotify never\nsize 8\n8bit\n\n"
    "3\na\r\n5\nbcd\r\n0\n";

TEST(Submit_Reader, ReadsWhatTheFormatSays_InAnyPieces) {
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    SCOPED_TRACE(piece);
    const auto out = read(kWhole, piece);
    ASSERT_TRUE(out.finished) << out.error;
    EXPECT_EQ(out.body, "a\r\nbcd\r\n");
    EXPECT_EQ(out.envelope.from, "ann@example.org");
    EXPECT_EQ(out.envelope.recipients, (std::vector<std::string>{"root", "b c@x.test"}));
    EXPECT_EQ(out.envelope.login, "ann");
    EXPECT_EQ(out.envelope.author, "Ann E");
    EXPECT_EQ(out.envelope.notify, "never");
    EXPECT_EQ(out.envelope.size, 8u);
    EXPECT_TRUE(out.envelope.eight_bit);
    EXPECT_EQ(out.used, kWhole.size());
  }
}

TEST(Submit_Reader, WhatIsAskedOfReports_ThereAndBack) {
  Envelope envelope;
  envelope.recipients = {"root", "bob@x.test"};
  envelope.notify = "never";
  envelope.ret = "hdrs";
  envelope.envid = "QQ314159";
  envelope.for_one[1] = {"success,delay", "rfc822;bob@x.test"};
  const auto out = read(*format_envelope(envelope) + "0\n");
  ASSERT_TRUE(out.finished) << out.error;
  EXPECT_EQ(out.envelope.notify, "never");
  EXPECT_EQ(out.envelope.ret, "hdrs");
  EXPECT_EQ(out.envelope.envid, "QQ314159");
  EXPECT_EQ(out.envelope.for_one, envelope.for_one);
  for (const char* bad : {"submit 1\nto-notify never\n", "submit 1\nto a\nto-orcpt\n", "submit 1\nto a\nto-orcpt x\nto-orcpt y\n",
                          "submit 1\nto a\nret full\nret full\n", "submit 1\nto a\nenvid a\nenvid b\n"})
    EXPECT_NE(read(bad).error, "") << bad;
}

TEST(Submit_Reader, WhatFollowsTheEnd_IsLeft) { EXPECT_EQ(read(std::string(kWhole) + "more").used, kWhole.size()); }

TEST(Submit_Reader, EveryCutBeforeTheEnd_IsUnfinished) {
  for (std::size_t size = 0; size < kWhole.size(); ++size) {
    const auto out = read(kWhole.substr(0, size));
    EXPECT_EQ(out.error, "") << size;
    EXPECT_FALSE(out.finished) << size;
  }
}

TEST(Submit_Reader, RefusesWhatIsWrong) {
  const std::string head = "submit 1\nto x\n\n";
  const std::string longest(kMaxLine, 'x');
  const std::pair<std::string, std::string> cases[] = {
      {"From x\n", "it does not begin with \"submit 1\""},
      {"submit 2\n", "it does not begin with \"submit 1\""},
      {"\n", "it does not begin with \"submit 1\""},
      {"submit 1\n\n", "there is no recipient"},
      {"submit 1\nto\n", "an empty recipient"},
      {"submit 1\nto a\rb\n", "a control character"},
      {"submit 1\nfrom a\nfrom b\n", "a line that may come once came twice"},
      {"submit 1\nbcc a\n", "an unknown line in the envelope"},
      {"submit 1\nsize -1\n", "not a number"},
      {"submit 1\nsize 99999999999999999999\n", "not a number"},
      {"submit 1\nto " + longest, "a line of the envelope is too long"},
      {head + "x\n", "not a number"},
      {head + "01\n", "not a number"},
      {head + "1048577\n", "a chunk that is too long"},
      {head + "2\na\n", "a bare LF in the message"},
      {head + "2\na\r2\nb\n", "a bare CR in the message"},
      {head + "2\na\r0\n", "the message does not end in CRLF"},
      {head + "2\nab0\n", "the message does not end in CRLF"},
      {head + std::string("1\n\0", 3), "a NUL in the message"},
  };
  for (const auto& [input, error] : cases) {
    SCOPED_TRACE(input.substr(0, 60));
    EXPECT_EQ(read(input).error, error);
    EXPECT_EQ(read(input, 1).error, error);
  }
}

TEST(Submit_Reader, AnEnvelopeWithoutEnd_IsStopped) {
  Reader reader;
  std::string line = "to " + std::string(1'000, 'x') + "\n";
  ASSERT_TRUE(reader.next("submit 1\n"));
  Result<Reader::Piece> step;
  std::size_t fed = 0;
  while ((step = reader.next(line))) ASSERT_LT(fed += line.size(), 2 * kMaxEnvelope);
  EXPECT_EQ(step.error().cause, Error::Cause::limit);
}

TEST(Submit_FormatEnvelope, NoValueCanAddALine) {
  Envelope envelope;
  envelope.recipients = {"x@y.test\nto z@y.test"};
  EXPECT_FALSE(format_envelope(envelope));
  envelope.recipients = {"x@y.test"};
  envelope.from = "";
  const auto text = format_envelope(envelope);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "submit 1\nfrom\nto x@y.test\n\n");
  EXPECT_EQ(read(*text + "0\n").envelope.from, "");
}

}  // namespace
}  // namespace godwit::submit
