#include <gtest/gtest.h>

#include "grammar/smtp/data_reader.h"
#include "grammar/smtp/data_writer.h"

namespace godwit::smtp {
namespace {

struct Read {
  std::string message;
  std::size_t used = 0;
  bool finished = false;
  Violation violation = Violation::none;
  std::uint64_t violation_at = 0;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view input, std::size_t piece) {
  DataReader reader;
  Read out;
  for (std::size_t i = 0; i < input.size() && !reader.finished(); i += piece)
    out.used += reader.feed(input.substr(i, piece), [&](std::string_view bytes) { out.message += bytes; });
  out.finished = reader.finished();
  out.violation = reader.violation();
  out.violation_at = reader.violation_at();
  EXPECT_EQ(reader.size(), out.message.size());
  return out;
}

TEST(DataReader, EveryInput_GivesItsMessageInAnySegmentation) {
  using enum Violation;
  struct Case {
    const char* name;
    std::string_view input;
    std::string_view message;
    bool finished;
    std::string_view left;
    Violation violation = none;
  };
  using namespace std::string_view_literals;
  const std::vector<Case> cases{
      {"4.1.1.4 the DATA line's CRLF counts: empty message", ".\r\nQUIT\r\n", "", true, "QUIT\r\n"},
      {"one line", "hello\r\n.\r\n", "hello\r\n", true, ""},
      {"4.5.2 a dot more is taken off", "..\r\n...x\r\n.y\r\n.\r\n", ".\r\n..x\r\ny\r\n", true, ""},
      {"not yet", "hello\r\n.\r", "hello\r\n", false, ""},
      {"a dot inside a line", "a.\r\n.\r\n", "a.\r\n", true, ""},
      {"empty lines", "\r\n\r\n.\r\n", "\r\n\r\n", true, ""},
      {"bare LF . LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", true, "", bare_lf},
      {"bare LF . CRLF", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", true, "", bare_lf},
      {"CRLF . LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", true, "", bare_lf},
      {"bare CR . CRLF", "a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", true, "", bare_cr},
      {"CRLF . CR x", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", true, "", bare_cr},
      {"CRLF . CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", true, "", bare_cr},
      {"CR CRLF . CRLF", "a\r\r\n.\r\n", "a\r\r\n", true, "", bare_cr},
      {"CR at the end of a line", "a\r\r\r\n.\r\n", "a\r\r\r\n", true, "", bare_cr},
      {"NUL before the dot", "a\r\n\0.\r\nb\r\n.\r\n"sv, "a\r\n\0.\r\nb\r\n"sv, true, "", nul},
      {"the first one counts", "a\nb\rc\0\r\n.\r\n"sv, "a\nb\rc\0\r\n"sv, true, "", bare_lf},
      {"high bytes", "\xff\xfe\r\n.\r\n", "\xff\xfe\r\n", true, ""},
      {"LF at once", "\n.\r\n.\r\n", "\n.\r\n", true, "", bare_lf},
      {"CR at once", "\r.\r\n.\r\n", "\r.\r\n", true, "", bare_cr},
      {"dot LF at once", ".\n.\r\n.\r\n", "\n.\r\n", true, "", bare_lf},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Read whole = read(c.input, c.input.size());
    EXPECT_EQ(whole.message, c.message);
    EXPECT_EQ(whole.finished, c.finished);
    EXPECT_EQ(whole.used, c.input.size() - c.left.size());
    EXPECT_EQ(whole.violation, c.violation);
    for (std::size_t piece = 1; piece < c.input.size(); ++piece) {
      SCOPED_TRACE(piece);
      EXPECT_EQ(read(c.input, piece), whole);
    }
  }
}

TEST(DataReader, Violation_SaysWhere) {
  EXPECT_EQ(read("..ab\r\nc\nd\r\n.\r\n", 100).violation_at, 6U);
  EXPECT_EQ(read("ab\rc\r\n.\r\n", 1).violation_at, 2U);
  EXPECT_EQ(read("ab\r\n.\rc\r\n.\r\n", 1).violation_at, 4U);
}

TEST(DataReader, OrdinaryBuffer_ComesOutInOnePieceWithoutACopy) {
  std::string input;
  for (int i = 0; i < 60; ++i) input += "This is a line of an ordinary message, long enough to be one.\r\n";
  DataReader reader;
  const auto piece = reader.next(input);
  EXPECT_EQ(piece.bytes.data(), input.data());
  EXPECT_EQ(piece.bytes.size(), input.size());
  EXPECT_EQ(piece.consumed, input.size());
}

TEST(DataReader, AfterTheEnd_NothingIsConsumed) {
  DataReader reader;
  EXPECT_EQ(reader.feed(".\r\nMAIL FROM:<>\r\n", [](std::string_view) {}), 3U);
  EXPECT_EQ(reader.next("x").consumed, 0U);
}

TEST(FindLineSpecial, EveryOffset) {
  for (std::size_t n = 0; n < 70; ++n) {
    for (const char c : {'\r', '\n', '\0'}) {
      std::string text(n, 'x');
      text.push_back(c);
      text += std::string(n % 20, '\n');
      EXPECT_EQ(find_line_special(text), n);
    }
    EXPECT_EQ(find_line_special(std::string(n, '\x0e')), n);
  }
}

Result<std::string> written(std::string_view message, std::size_t piece) {
  DataWriter writer;
  std::string out;
  for (std::size_t i = 0; i < message.size(); i += piece) GODWIT_TRY(writer.append(out, message.substr(i, piece)));
  GODWIT_TRY(writer.finish(out));
  return out;
}

TEST(DataWriter, EveryMessage_IsStuffedInAnySegmentation) {
  struct Case {
    std::string_view message, wire;
  };
  const std::vector<Case> cases{
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"a\r\n.\r\n..\r\n.b.\r\n", "a\r\n..\r\n...\r\n..b.\r\n.\r\n"},
      {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t piece = 1; piece <= c.message.size() + 1; ++piece) EXPECT_EQ(written(c.message, piece).value_or("error"), c.wire);
  }
}

TEST(DataWriter, WhatCouldSmuggle_NeverLeaves) {
  using namespace std::string_view_literals;
  for (const auto message : {"a\n.\nb"sv, "a\r.\r\n"sv, "a\nb\r\n"sv, "a\r\n\0.\r\n"sv, "a\r"sv, "\n"sv, "a\r\r\n"sv}) {
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
      const auto out = written(message, piece);
      ASSERT_FALSE(out) << message;
      EXPECT_EQ(out.error().cause, Error::Cause::corrupt);
    }
  }
}

TEST(DataWriter, AfterAnError_WritesNothing) {
  DataWriter writer;
  std::string out;
  ASSERT_TRUE(writer.append(out, "good\r\n"));
  ASSERT_FALSE(writer.append(out, "evil\n"));
  EXPECT_EQ(writer.append(out, "good\r\n").error().position, 10U);
  EXPECT_FALSE(writer.finish(out));
  EXPECT_EQ(out, "good\r\n");
  EXPECT_EQ(writer.violation(), Violation::bare_lf);
}

}  // namespace
}  // namespace godwit::smtp
