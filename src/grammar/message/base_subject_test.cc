#include "grammar/message/base_subject.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

struct Case {
  std::string_view subject;
  std::string_view base;
  bool reply = false;
};

// RFC 5256 2.1 and the grammar of its section 5
TEST(BaseSubject, Rules_AreFollowed) {
  const Case cases[] = {
      {"", ""},
      {"hello", "hello"},
      {" \t hello  \t world ", "hello world"},
      {"Re: hello", "hello", true},
      {"RE:hello", "hello", true},
      {"re : hello", "hello", true},
      {"Fw: hello", "hello", true},
      {"FWD: hello", "hello", true},
      {"Fwdd: hello", "Fwdd: hello"},
      {"Re: Re: Fwd: hello", "hello", true},
      {"Re[2]: hello", "hello", true},
      {"Re [2] : hello", "hello", true},
      {"Re[2][3]: hello", "Re[2][3]: hello"},
      {"Aw: hello", "Aw: hello"},
      {"Regarding: hello", "Regarding: hello"},
      {"re", "re"},
      {"Re:", "", true},
      {"Re: ", "", true},
      {"[list] hello", "hello"},
      {"[list][x] hello", "hello"},
      {"[list] Re: [other] hello", "hello", true},
      {"Re: [list] hello", "hello", true},
      {"[list] Re: hello", "hello", true},
      {"[a] [b] Re[c]: [d] hello", "hello", true},
      {"[blob]", "[blob]"},
      {"[a] [b]", "[b]"},
      {"Re: [blob]", "[blob]", true},
      {"[unclosed hello", "[unclosed hello"},
      {"[a[b] hello", "[a[b] hello"},
      {"hello (fwd)", "hello", true},
      {"hello (FWD) (fwd) ", "hello", true},
      {"(fwd)", "", true},
      {"hello(fwd)", "hello", true},
      {"hello (fwd) x", "hello (fwd) x"},
      {"[fwd: hello]", "hello", true},
      {"[Fwd: Re: [x] hello (fwd)]", "hello", true},
      {"[fwd: [fwd: hello]]", "hello", true},
      {"Re: [fwd: hello] (fwd)", "hello", true},
      {"[fwd: hello] more", "more"},  // a blob
      {"[fwd: hello", "[fwd: hello"},
      {"[fwd:]", "", true},
      {"\t\tRe:\r\n hello\r\n\tworld", "hello world", true},
      {"=?utf-8?q?Re=3A_h=C3=A9llo?=", "h\u00e9llo", true},
      {"Re: =?iso-8859-1?b?W3hdIOk=?=", "\u00e9", true},
      {"=?utf-8?q?hello_?= =?utf-8?q?_world?=", "hello world"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.subject);
    const auto got = base_subject(each.subject);
    EXPECT_EQ(got.text, each.base);
    EXPECT_EQ(got.reply_or_forward, each.reply);
  }
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(BaseSubject, EndlessArtifacts_TakeNoTime) {
  EXPECT_EQ(base_subject(repeat("[a]", 30'000)).text, "[a]");
  EXPECT_EQ(base_subject(repeat("[a]", 30'000) + "x").text, "x");
  EXPECT_EQ(base_subject(repeat("re:", 30'000) + "x").text, "x");
  EXPECT_EQ(base_subject(repeat("[a]re[b]:", 30'000) + "x").text, "x");
  EXPECT_EQ(base_subject(repeat("[fwd:", 30'000) + "x" + repeat("]", 30'000)).text, "x");
  EXPECT_EQ(base_subject(repeat("re[", 30'000)).text, repeat("re[", 30'000));
  EXPECT_EQ(base_subject("x" + repeat(" (fwd)", 30'000)).text, "x");
}

}  // namespace
}  // namespace godwit::message
