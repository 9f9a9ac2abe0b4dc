#include "check/dkim/canonical.h"

#include <gtest/gtest.h>

#include "check/dkim/plain_fixture.h"
#include "testing/seeded_random.h"

namespace godwit::dkim {
namespace {

struct Collector final : ByteSink {
  void write(std::string_view bytes) override { text.append(bytes); }
  std::string text;
};

template <class Machine>
std::string run(Canonicalization how, std::string_view bytes, std::size_t piece = 1'000'000) {
  Collector out;
  Machine machine(how);
  for (std::size_t i = 0; i < bytes.size(); i += piece) machine.feed(bytes.substr(i, piece), out);
  machine.finish(out);
  return out.text;
}

std::string simple_body(std::string_view bytes) { return run<BodyCanonicalizer>(Canonicalization::simple, bytes); }
std::string relaxed_body(std::string_view bytes) { return run<BodyCanonicalizer>(Canonicalization::relaxed, bytes); }
std::string relaxed_field(std::string_view bytes) { return run<FieldCanonicalizer>(Canonicalization::relaxed, bytes); }

TEST(Canonical, Rfc6376Section345_AllThreeExamples) {
  EXPECT_EQ(relaxed_field("A: X"), "a:X");
  EXPECT_EQ(relaxed_field("B : Y\t\r\n\tZ  "), "b:Y Z");
  EXPECT_EQ(run<FieldCanonicalizer>(Canonicalization::simple, "B : Y\t\r\n\tZ  "), "B : Y\t\r\n\tZ  ");
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(relaxed_body(body), " C\r\nD E\r\n");
  EXPECT_EQ(simple_body(body), " C \r\nD \t E\r\n");
}

TEST(Canonical, SimpleBody) {
  struct Case {
    const char* name;
    std::string input;
    std::string expected;
  };
  const Case cases[] = {
      {"empty", "", "\r\n"},
      {"one line end", "\r\n", "\r\n"},
      {"nothing but line ends", "\r\n\r\n\r\n", "\r\n"},
      {"no line end", "a", "a\r\n"},
      {"one line", "a\r\n", "a\r\n"},
      {"empty lines at the end", "a\r\n\r\n\r\n", "a\r\n"},
      {"empty lines before", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {"white space is no empty line", "a\r\n \r\n", "a\r\n \r\n"},
      {"CR at the very end", "a\r", "a\r\r\n"},
      {"bare LF", "a\n\n", "a\n\n\r\n"},
      {"bare CRs", "a\r\r\n\r\n", "a\r\r\n"},
      {"bare CR between line ends", "a\r\n\r\r\n", "a\r\n\r\r\n"},
      {"bytes", std::string("\x00\xff\r\n", 4), std::string("\x00\xff\r\n", 4)},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(simple_body(each.input), each.expected);
    EXPECT_EQ(plain::body(Canonicalization::simple, each.input), each.expected);
  }
}

TEST(Canonical, RelaxedBody) {
  struct Case {
    const char* name;
    std::string input;
    std::string expected;
  };
  const Case cases[] = {
      {"empty", "", ""},
      {"nothing but line ends", "\r\n\r\n", ""},
      {"nothing but white space", " \t\r\n  \r\n\t", ""},
      {"no line end", "a", "a\r\n"},
      {"white space at the end of lines", "a \t \r\nb\t\r\n", "a\r\nb\r\n"},
      {"white space at the very end", "a  ", "a\r\n"},
      {"runs", " a\t\tb  c\r\n", " a b c\r\n"},
      {"lines of white space at the end", "a\r\n \r\n\t\r\n", "a\r\n"},
      {"lines of white space within", "a\r\n \t\r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"bare CR behind white space", "a \rb\r\n", "a \rb\r\n"},
      {"bare CR at the end of a line", "a\r\r\n", "a\r\r\n"},
      {"bare LF is no line end", "a \n b\r\n", "a \n b\r\n"},
      {"CR at the very end", "a \r", "a \r\r\n"},
      {"other white space stays", "a\v\f\xa0\r\n", "a\v\f\xa0\r\n"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(relaxed_body(each.input), each.expected);
    EXPECT_EQ(plain::body(Canonicalization::relaxed, each.input), each.expected);
  }
}

TEST(Canonical, RelaxedField) {
  struct Case {
    const char* name;
    std::string input;
    std::string expected;
  };
  const Case cases[] = {
      {"name in lower case alone", "SUBJect: AbC", "subject:AbC"},
      {"no value", "X:", "x:"},
      {"white space for a value", "X: \t", "x:"},
      {"a second colon stays", "X : a : b", "x:a : b"},
      {"folds", "X:\r\n a\r\n\tb", "x:a b"},
      {"a fold of white space alone", "X: a\r\n \r\n b", "x:a b"},
      {"trailing fold", "X: a\r\n \t", "x:a"},
      {"bare CR and LF are bytes", "X: a\r b\n c\r", "x:a\r b\n c\r"},
      {"eight bits", "X: \xc3\xa4  \xff", "x:\xc3\xa4 \xff"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(relaxed_field(each.input), each.expected);
    EXPECT_EQ(plain::field(Canonicalization::relaxed, each.input), each.expected);
  }
}

TEST(Canonical, LongField_NothingLost) {
  const std::string text = "X: " + std::string(5'000, 'a') + "  b";
  EXPECT_EQ(relaxed_field(text), "x:" + std::string(5'000, 'a') + " b");
}

TEST(Canonical, ManyEmptyLines_OutputInBlocks) {
  std::string text = "a\r\n";
  for (int i = 0; i < 20'000; ++i) text += "\r\n";
  EXPECT_EQ(simple_body(text), "a\r\n");
  EXPECT_EQ(simple_body(text + "b"), text + "b\r\n");
  EXPECT_EQ(relaxed_body(text + " b "), text + " b\r\n");
}

TEST(Canonical, RandomText_SameAsPlainHoweverCut) {
  testing::SeededRandom random(11);
  constexpr std::string_view kAlphabet = "\r\n \tab:\r\n ";
  for (int round = 0; round < 3'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(40); i > 0; --i) {
      if (random.below(4) == 0)
        text += "\r\n";
      else
        text += kAlphabet[random.below(kAlphabet.size())];
    }
    const std::size_t piece = 1 + random.below(7);
    for (const auto how : {Canonicalization::simple, Canonicalization::relaxed}) {
      ASSERT_EQ(run<BodyCanonicalizer>(how, text, piece), plain::body(how, text)) << round;
      ASSERT_EQ(run<FieldCanonicalizer>(how, "x" + text, piece), plain::field(how, "x" + text)) << round;
    }
  }
}

}  // namespace
}  // namespace godwit::dkim
