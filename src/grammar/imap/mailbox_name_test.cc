#include "grammar/imap/mailbox_name.h"

#include <gtest/gtest.h>

#include <chrono>

#include "grammar/imap/limits.h"
#include "grammar/imap/list_pattern.h"

namespace godwit::imap {
namespace {

constexpr Dialect kPlain;
constexpr Dialect kUtf8{.utf8_accept = true};

TEST(MailboxName, Utf7_BothWays) {
  struct Case {
    std::string wire;
    std::string name;
  };
  const Case cases[] = {
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"},  // RFC 3501 5.1.3
      {"&Jjo-!", "☺!"},                                                // RFC 3501 5.1.3
      {"&U,BTF2XlZyyKng-", "台北日本語"},                              // RFC 3501 5.1.3: the right form of "&U,BTFw-&ZeVnLIqe-"
      {"Entw&APw-rfe", "Entwürfe"},
      {"Gel&APY-schte Elemente", "Gelöschte Elemente"},
      {"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "Отправленные"},
      {"A&-B", "A&B"},
      {"&-", "&"},
      {"&AOk-&-", "é&"},
      {"&2D3eAA-", "😀"},
      {"&AOkA6Q-", "éé"},
      {"a-b", "a-b"},
      {"", ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.wire);
    const auto name = decode_utf7(each.wire);
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(*name, each.name);
    EXPECT_EQ(encode_utf7(each.name), each.wire);
  }
}

TEST(MailboxName, Utf7Wrong_Denied) {
  for (const std::string wire :
       {"&Jjo!",               // RFC 3501 5.1.3: no shift back
        "&U,BTFw-&ZeVnLIqe-",  // RFC 3501 5.1.3: superfluous shift
        "&AGEA-",              // "a" needs no base64
        "&ACY-",               // nor does "&"
        "&", "a&", "&AOk", "&A-", "&AOl-", "&AO-", "&AOkA-", "&AOk=-", "&2D0-", "&3gA-", "&2D3YPQ-", "&AOk/-", "& -", "é", "a\tb"}) {
    SCOPED_TRACE(wire);
    const auto name = decode_utf7(wire);
    ASSERT_FALSE(name.has_value());
    EXPECT_EQ(name.error().cause, Error::Cause::denied);
    EXPECT_LE(name.error().position, wire.size());
  }
}

TEST(MailboxName, Inbox_InAnyCase) {
  EXPECT_EQ(read_mailbox_name("iNbOx", kPlain).value(), "INBOX");
  EXPECT_EQ(read_mailbox_name("inbox/Work", kUtf8).value(), "INBOX/Work");
  EXPECT_EQ(read_mailbox_name("inboxes", kPlain).value(), "inboxes");
  EXPECT_EQ(read_mailbox_name("Work/inbox", kPlain).value(), "Work/inbox");
  EXPECT_EQ(read_mailbox_name("inbo", kPlain).value(), "inbo");
  EXPECT_TRUE(is_inbox("Inbox"));
}

TEST(MailboxName, Dialects_DifferInWhatAnAmpersandIs) {
  EXPECT_EQ(read_mailbox_name("Entw&APw-rfe", kPlain).value(), "Entwürfe");
  EXPECT_EQ(read_mailbox_name("Entwürfe", kUtf8).value(), "Entwürfe");
  EXPECT_EQ(read_mailbox_name("Entw&APw-rfe", kUtf8).value(), "Entw&APw-rfe");
  EXPECT_EQ(read_mailbox_name("R&D", Dialect{.rev2 = true}).value(), "R&D");
  EXPECT_FALSE(read_mailbox_name("Entwürfe", kPlain).has_value());
  EXPECT_EQ(write_mailbox_name("R&D ü", kPlain), "R&-D &APw-");
  EXPECT_EQ(write_mailbox_name("R&D ü", kUtf8), "R&D ü");
}

TEST(MailboxName, Unclean_Denied) {
  for (const std::string wire : {"a\xff", "\xc3", "a\x01", "a\x7f", "a\xc2\x85", "\xed\xa0\x80", "\xc0\xaf", "a\nb"}) {
    const auto name = read_mailbox_name(wire, kUtf8);
    ASSERT_FALSE(name.has_value());
    EXPECT_EQ(name.error().cause, Error::Cause::denied);
  }
  EXPECT_FALSE(read_mailbox_name("&AAE-", kPlain).has_value());  // U+0001
  EXPECT_FALSE(read_mailbox_name(std::string(kMaxMailboxName + 1, 'a'), kPlain).has_value());
  EXPECT_TRUE(read_mailbox_name(std::string(kMaxMailboxName, 'a'), kPlain).has_value());
  EXPECT_EQ(read_mailbox_name("e\xcc\x81", kUtf8).value(), "e\xcc\x81") << "not normalised";
}

TEST(MailboxName, New_Checked) {
  EXPECT_EQ(check_new_mailbox("owatagusiam/").value(), "owatagusiam");  // RFC 3501 6.3.3
  EXPECT_EQ(check_new_mailbox("owatagusiam/blurdybloop").value(), "owatagusiam/blurdybloop");
  EXPECT_EQ(check_new_mailbox("inbox/a").value(), "INBOX/a");
  for (const std::string name : {"", "/", "//", "/a", "a//b", "a//", "a%b", "a*"}) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(check_new_mailbox(name).has_value());
  }
  std::string deep = "a";
  for (std::size_t i = 1; i < kMaxMailboxDepth; ++i) deep += "/a";
  EXPECT_TRUE(check_new_mailbox(deep).has_value());
  EXPECT_FALSE(check_new_mailbox(deep + "/a").has_value());
}

bool matches(std::string_view pattern, std::string_view name) { return ListPattern::create("", pattern).value().matches(name); }

TEST(ListPattern, Matches) {
  struct Case {
    std::string pattern;
    std::string name;
    bool expected;
  };
  const Case cases[] = {
      {"*", "a/b/c", true},
      {"%", "a", true},
      {"%", "a/b", false},
      {"%/%", "a/b", true},
      {"%/%", "a/b/c", false},
      {"*", "", true},
      {"", "", true},
      {"", "a", false},
      {"a", "a", true},
      {"a", "A", false},
      {"a*", "a", true},
      {"a%", "a", true},
      {"a%", "a/b", false},
      {"a*", "a/b", true},
      {"*/test4", "x/y/test4", true},
      {"a/*4", "a/x/t4", true},
      {"foo*bar", "foobar", true},
      {"foo*bar", "foo/bar", true},
      {"foo%bar", "foo/bar", false},
      {"%%", "ab", true},
      {"%*%", "a/b", true},
      {"*%", "a/b", true},
      {"%a%b%", "xaxbx", true},
      {"%a%b%", "xax/bx", false},
      {"*%a/%b", "q/xa/xb", true},
      {"*b", "bbbb", true},
      {"*ab", "aaab", true},
      {"%ab", "aaab", true},
      {"ü%", "über", true},
      {"INBOX", "INBOX", true},
      {"inbox", "INBOX", true},
      {"iNb%", "INBOX", true},
      {"%x", "INBOX", true},
      {"inbox/%", "INBOX/a", true},
      {"inbox/A", "INBOX/a", false},
      {"inboxes", "INBOXES", false},
      {"inboxen", "inboxen", true},
      {"a/", "a", false},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.pattern + " for " + each.name);
    EXPECT_EQ(matches(each.pattern, each.name), each.expected);
  }
}

TEST(ListPattern, Reference_StandsInFront) {
  // RFC 3501 6.3.8: how reference and mailbox name might be put together
  EXPECT_EQ(ListPattern::create("~smith/Mail/", "foo.*").value().text(), "~smith/Mail/foo.*");
  EXPECT_EQ(ListPattern::create("archive/", "%").value().text(), "archive/%");
  EXPECT_EQ(ListPattern::create("#news.", "comp.mail.*").value().text(), "#news.comp.mail.*");
  EXPECT_EQ(ListPattern::create("~smith/Mail/", "/usr/doc/foo").value().text(), "/usr/doc/foo");
  EXPECT_FALSE(ListPattern::create(std::string(kMaxPattern, 'a'), "b").has_value());
}

TEST(ListPattern, Below_TellsWhereToLook) {
  const auto below = [](std::string_view pattern, std::string_view name) {
    return ListPattern::create("", pattern).value().may_match_below(name);
  };
  EXPECT_TRUE(below("*", "a"));
  EXPECT_FALSE(below("%", "a"));
  EXPECT_TRUE(below("%/%", "a"));
  EXPECT_FALSE(below("%/%", "a/b"));
  EXPECT_TRUE(below("a/b/c", "a"));
  EXPECT_TRUE(below("a/b/c", "a/b"));
  EXPECT_FALSE(below("a/b/c", "b"));
  EXPECT_FALSE(below("a/", "a"));
  EXPECT_TRUE(below("a*", "ab"));
}

// What the pattern means, with backtracking: slow and plain.
bool slowly(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*' || pattern[0] == '%') {
    if (slowly(pattern.substr(1), name)) return true;
    return !name.empty() && !(pattern[0] == '%' && name[0] == '/') && slowly(pattern, name.substr(1));
  }
  return !name.empty() && name[0] == pattern[0] && slowly(pattern.substr(1), name.substr(1));
}

TEST(ListPattern, AllShortPatterns_AgreeWithBacktracking) {
  const std::string_view alphabet = "a/%*";
  for (std::size_t p = 0; p < 4 * 4 * 4 * 4 * 4; ++p) {
    std::string pattern;
    for (std::size_t rest = p; rest > 0; rest /= 4) pattern += alphabet[rest % 4];
    for (std::size_t n = 0; n < 64; ++n) {
      std::string name;
      for (std::size_t rest = n + 1; rest > 1; rest /= 2) name += alphabet[rest % 2];
      ASSERT_EQ(matches(pattern, name), slowly(pattern, name)) << pattern << " for " << name;
    }
  }
}

TEST(ListPattern, LongPattern_CrossesWords) {
  const std::string name(300, 'a');
  EXPECT_TRUE(matches(std::string(300, 'a'), name));
  EXPECT_FALSE(matches(std::string(299, 'a'), name));
  EXPECT_TRUE(matches(std::string(150, 'a') + "*" + std::string(150, 'a'), name));
  EXPECT_FALSE(matches(std::string(150, 'a') + "*" + std::string(151, 'a'), name));
  std::string wild;
  for (int i = 0; i < 300; ++i) wild += "%a";
  EXPECT_TRUE(matches(wild, name));
}

TEST(ListPattern, HostilePattern_TakesNoTime) {
  std::string pattern;
  while (pattern.size() < kMaxPattern - 2) pattern += "*a";
  const std::string name = std::string(kMaxMailboxName - 1, 'a') + "b";
  const auto compiled = ListPattern::create("", pattern).value();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(compiled.matches(name));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << "backtracking would take for ever";
}

}  // namespace
}  // namespace godwit::imap
