#include "grammar/pop3/multiline.h"

#include <gtest/gtest.h>

#include "grammar/pop3/top.h"

namespace godwit::pop3 {
namespace {

std::string write_whole(std::string_view bytes, std::size_t piece) {
  MultilineWriter writer;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) writer.append(out, bytes.substr(at, piece));
  writer.finish(out);
  return out;
}

std::string top(std::string_view bytes, std::uint32_t lines, std::size_t piece) {
  TopFilter filter(lines);
  std::string out;
  for (std::size_t at = 0; at < bytes.size() && !filter.done(); at += piece) out += filter.take(bytes.substr(at, piece));
  return out;
}

TEST(MultilineWriter, Cases) {
  struct Case {
    std::string name, input, expected;
  };
  const Case cases[] = {
      {"empty", "", ".\r\n"},
      {"one line", "a\r\n", "a\r\n.\r\n"},
      {"no end", "a", "a\r\n.\r\n"},
      {"CR at the end", "a\r", "a\r\r\n.\r\n"},
      {"bare LF at the end", "a\n", "a\n\r\n.\r\n"},
      {"dots", ".\r\n..\r\n.a\r\nb.\r\n", "..\r\n...\r\n..a\r\nb.\r\n.\r\n"},
      {"end of data inside", "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
      {"end of data with bare LF", "a\n.\r\nb\r\n", "a\n..\r\nb\r\n.\r\n"},
      {"blank lines", "\r\n\r\n", "\r\n\r\n.\r\n"},
      {"dot after CR", "a\r.b\r\n", "a\r.b\r\n.\r\n"},
  };
  for (const auto& each : cases) {
    for (std::size_t piece = 1; piece <= 5; ++piece) {
      SCOPED_TRACE(each.name + " in pieces of " + std::to_string(piece));
      EXPECT_EQ(write_whole(each.input, piece), each.expected);
    }
  }
}

TEST(TopFilter, Cases) {
  const std::string mail = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n";
  struct Case {
    std::string name;
    std::string input;
    std::uint32_t lines;
    std::string expected;
  };
  const Case cases[] = {
      {"header alone", mail, 0, "A: 1\r\nB: 2\r\n\r\n"},
      {"one line", mail, 1, "A: 1\r\nB: 2\r\n\r\none\r\n"},
      {"a blank line counts", mail, 2, "A: 1\r\nB: 2\r\n\r\none\r\n\r\n"},
      {"all", mail, 3, mail},
      {"more than there is", mail, 1'000, mail},
      {"no body", "A: 1\r\n", 5, "A: 1\r\n"},
      {"no header", "\r\none\r\ntwo\r\n", 1, "\r\none\r\n"},
      {"last line without end", "A: 1\r\n\r\none", 1, "A: 1\r\n\r\none"},
      {"empty", "", 3, ""},
  };
  for (const auto& each : cases) {
    for (std::size_t piece = 1; piece <= 7; ++piece) {
      SCOPED_TRACE(each.name + " in pieces of " + std::to_string(piece));
      EXPECT_EQ(top(each.input, each.lines, piece), each.expected);
    }
  }
}

}  // namespace
}  // namespace godwit::pop3
