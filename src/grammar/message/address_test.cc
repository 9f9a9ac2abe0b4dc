#include "grammar/message/address.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

// "name|local@domain|group" for each, one a line
std::string shown(std::string_view text) {
  const auto list = parse_address_list(text);
  if (!list) return "error at " + std::to_string(list.error().position) + ": " + list.error().text;
  std::string out;
  for (const auto& m : list->mailboxes) out += (out.empty() ? "" : "\n") + m.display_name + "|" + m.addr_spec() + "|" + m.group;
  return out;
}

TEST(ParseAddressList, Rfc5322AppendixA) {
  struct Case {
    const char* section;
    const char* input;
    const char* expected;
  };
  const std::vector<Case> cases{
      {"A.1.1", "John Doe <jdoe@machine.example>", "John Doe|jdoe@machine.example|"},
      {"A.1.2", "\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|john.q.public@example.com|"},
      {"A.1.2", "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
       "Mary Smith|mary@x.test|\n|jdoe@example.org|\nWho?|one@y.test|"},
      {"A.1.2", "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
       "|boss@nil.test|\nGiant; \"Big\" Box|sysservices@example.net|"},
      {"A.1.3", "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
       "Ed Jones|c@a.test|A Group\n|joe@where.test|A Group\nJohn|jdoe@one.test|A Group"},
      {"A.1.3", "Undisclosed recipients:;", ""},
      {"A.5", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test|"},
      {"A.5",
       "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John "
       "<jdoe@one.test> (my dear friend); (the end of the group)",
       "Chris Jones|c@public.example|A Group\n|joe@example.org|A Group\nJohn|jdoe@one.test|A Group"},
      {"A.5", "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", ""},
      {"A.6.1", "Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public@example.com|"},
      {"A.6.1", "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", "Mary Smith|mary@example.net|\n|jdoe@test.example|"},
      {"A.6.3", "John Doe <jdoe@machine(comment).  example>", "John Doe|jdoe@machine.example|"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.section);
    EXPECT_EQ(shown(c.input), c.expected);
  }
}

TEST(ParseAddressList, MoreOfTheWorld) {
  EXPECT_EQ(shown("jdoe@example.org (John Doe)"), "John Doe|jdoe@example.org|");
  EXPECT_EQ(shown("<jdoe@example.org> (John Doe)"), "John Doe|jdoe@example.org|");
  EXPECT_EQ(shown("a@example.org <b@example.org>"), "a@example.org|b@example.org|");
  EXPECT_EQ(shown("=?utf-8?q?J=C3=BCrgen?= <j@example.org>"), "=?utf-8?q?J=C3=BCrgen?=|j@example.org|");
  EXPECT_EQ(shown("Jürgen <jürgen@bücher.example>"), "Jürgen|jürgen@bücher.example|");
  EXPECT_EQ(shown("\"a\"\"b\" <x@y>"), "ab|x@y|");
  EXPECT_EQ(shown("\"first last\"@example.org"), "|\"first last\"@example.org|");
  EXPECT_EQ(shown("a . \"b\" . c@example.org"), "|a.b.c@example.org|");
  EXPECT_EQ(shown("a@[192.0.2.1], b@[any thing]"), "|a@[192.0.2.1]|\n|b@[anything]|");
  EXPECT_EQ(shown(",,a@b,,"), "|a@b|");
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("g:a@b;, c@d"), "|a@b|g\n|c@d|");
  EXPECT_EQ(shown("<@a.test,@b.test:c@d>"), "|c@d|");
  EXPECT_EQ(shown("\xe9t\xe9 <a@b>"), "\xe9t\xe9|a@b|");  // Latin-1 in a name: nobody's address is hurt
}

TEST(ParseAddressList, WhatIsNone_IsRefused) {
  for (const char* bad :
       {"root",   "John Doe",    "a@",           "@b",        "a@b c@d",   "a@b; c@d", "<a@b",   "a@b>",   "John <a@b> Doe",
        "g: a@b", "g: h: a@b;;", "\"open <a@b>", "(open a@b", "a@b (open", "a..b@c",   ".a@b",   "a.@b",   "a@.b",
        "a@b.",   "a@b..c",      "a@-b",         "a@[b",      "a@[b[c]",   "a\xff@b",  "a@\xff", "<a@b>>", "<<a@b>>",
        "<>",     "John <>",     "a@b\r\n",      "a@b\rc",    "a\nb@c",    "<@a b@c>"})
    EXPECT_TRUE(shown(bad).starts_with("error")) << bad << ": " << shown(bad);
}

TEST(ParseAddressList, Limits) {
  EXPECT_FALSE(parse_address_list(std::string(65'537, ' ')));
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "a@b,";
  EXPECT_EQ(parse_address_list(many).error().cause, Error::Cause::limit);
  EXPECT_TRUE(parse_address_list(std::string(30'000, '(') + std::string(30'000, ')') + "a@b"));  // depth costs no stack
  EXPECT_TRUE(parse_address_list(std::string(60'000, ',')));
}

TEST(ParseAddrSpec, OneAddressOnly) {
  EXPECT_EQ(parse_addr_spec(" (c) a.b @ example.org (d) ")->addr_spec(), "a.b@example.org");
  for (const char* bad : {"", "a", "<a@b>", "a@b,", "a@b, c@d", "John a@b", "a@b (c", "a@b\r\n"}) EXPECT_FALSE(parse_addr_spec(bad)) << bad;
}

TEST(Mailbox, AddrSpec_QuotesWhereItMust) {
  const auto spec = [](std::string local) { return Mailbox{"", std::move(local), "x", ""}.addr_spec(); };
  EXPECT_EQ(spec("a.b"), "a.b@x");
  EXPECT_EQ(spec("a..b"), "\"a..b\"@x");
  EXPECT_EQ(spec(".a"), "\".a\"@x");
  EXPECT_EQ(spec("a."), "\"a.\"@x");
  EXPECT_EQ(spec("a\"\\"), "\"a\\\"\\\\\"@x");
  EXPECT_EQ(spec(""), "\"\"@x");
  EXPECT_EQ(spec("a\nb"), "\"a\\\nb\"@x");
}

}  // namespace
}  // namespace godwit::message
