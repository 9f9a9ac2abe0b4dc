#include "grammar/imap/writer.h"

#include <gtest/gtest.h>

#include <array>

#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

constexpr Dialect kPlain;
constexpr Dialect kUtf8{.utf8_accept = true};

template <class... Arguments>
std::string written(void (*append)(std::string&, Arguments...), std::type_identity_t<Arguments>... arguments) {
  std::string out;
  append(out, arguments...);
  return out;
}

TEST(ImapWriter, Strings) {
  struct Case {
    std::string text;
    Dialect dialect;
    std::string expected;
  };
  const Case cases[] = {
      {"", kPlain, "\"\""},
      {"hello world", kPlain, "\"hello world\""},
      {"a\"b\\c", kPlain, "\"a\\\"b\\\\c\""},
      {"a\tb", kPlain, "\"a\tb\""},
      {"a\r\nb", kPlain, "{4}\r\na\r\nb"},
      {"ü", kPlain, "{2}\r\nü"},
      {"ü", kUtf8, "\"ü\""},
      {"ü", Dialect{.rev2 = true}, "\"ü\""},
      {"\xff", kUtf8, "{1}\r\n\xff"},
      {std::string("a\0b", 3), kUtf8,
       "\"a\xEF\xBF\xBD"
       "b\""},
      {std::string("a\0b", 3), kPlain,
       "{5}\r\na\xEF\xBF\xBD"
       "b"},
      {std::string(kMaxQuoted, 'x'), kPlain, "\"" + std::string(kMaxQuoted, 'x') + "\""},
      {std::string(kMaxQuoted + 1, 'x'), kPlain, "{1001}\r\n" + std::string(kMaxQuoted + 1, 'x')},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.expected);
    EXPECT_EQ(written(append_string, each.text, each.dialect), each.expected);
    EXPECT_EQ(written(append_nstring, each.text, each.dialect), each.expected);
  }
  EXPECT_EQ(written(append_nstring, std::nullopt, kPlain), "NIL");
}

TEST(ImapWriter, Astrings) {
  EXPECT_EQ(written(append_astring, "INBOX", kPlain), "INBOX");
  EXPECT_EQ(written(append_astring, "a]b", kPlain), "a]b");
  EXPECT_EQ(written(append_astring, "", kPlain), "\"\"");
  EXPECT_EQ(written(append_astring, "nil", kPlain), "\"nil\"");
  EXPECT_EQ(written(append_astring, "a b", kPlain), "\"a b\"");
  EXPECT_EQ(written(append_astring, "a%", kPlain), "\"a%\"");
  EXPECT_EQ(written(append_astring, "a{b", kPlain), "\"a{b\"");
  EXPECT_EQ(written(append_astring, "a\\b", kPlain), "\"a\\\\b\"");
  EXPECT_EQ(written(append_mailbox, "Entwürfe", kPlain), "Entw&APw-rfe");
  EXPECT_EQ(written(append_mailbox, "Entwürfe", kUtf8), "\"Entwürfe\"");
  EXPECT_EQ(written(append_mailbox, "R&D", kPlain), "R&-D");
  EXPECT_EQ(written(append_mailbox, "R&D", kUtf8), "R&D");
  EXPECT_EQ(written(append_mailbox, "Sent Items", kPlain), "\"Sent Items\"");
}

TEST(ImapWriter, LiteralHeads) {
  EXPECT_EQ(written(append_literal_head, 342u, false), "{342}\r\n");
  EXPECT_EQ(written(append_literal_head, 0u, true), "~{0}\r\n");
}

TEST(ImapWriter, FlagsAndDates) {
  Flags flags;
  EXPECT_EQ(written(append_flags, flags), "()");
  flags.set(SystemFlag::seen);
  flags.set(SystemFlag::answered);
  EXPECT_TRUE(flags.add_keyword("$Label1"));
  EXPECT_FALSE(flags.add_keyword("$label1"));
  EXPECT_EQ(written(append_flags, flags), "(\\Answered \\Seen $Label1)");
  EXPECT_EQ(written(append_permanent_flags_code, flags, true), "[PERMANENTFLAGS (\\Answered \\Seen $Label1 \\*)] ");
  EXPECT_EQ(written(append_permanent_flags_code, Flags{}, false), "[PERMANENTFLAGS ()] ");
  EXPECT_EQ(written(append_permanent_flags_code, Flags{}, true), "[PERMANENTFLAGS (\\*)] ");
  EXPECT_EQ(written(append_date_time, std::nullopt), "NIL");
  EXPECT_EQ(written(append_date_time, parse_date_time("01-Feb-2020 10:00:00 +0000").value()), "\" 1-Feb-2020 10:00:00 +0000\"");
}

TEST(ImapWriter, ItemNames) {
  FetchItem item;
  item.kind = FetchItem::Kind::body;
  item.peek = true;
  item.partial = Partial{0, 393'216};
  item.section.part = {1};
  EXPECT_EQ(written(append_item_name, item, kPlain), "BODY[1]<0>");
  EXPECT_EQ(to_string(item), "BODY.PEEK[1]<0.393216>");
  item.section = {{4, 2}, Section::Text::header_fields_not, {"From", "X Y"}};
  item.partial.reset();
  EXPECT_EQ(written(append_item_name, item, kPlain), "BODY[4.2.HEADER.FIELDS.NOT (From \"X Y\")]");
  item.section = {{}, Section::Text::text, {}};
  EXPECT_EQ(written(append_item_name, item, kPlain), "BODY[TEXT]");
  item.section = {};
  EXPECT_EQ(written(append_item_name, item, kPlain), "BODY[]");
  item.kind = FetchItem::Kind::binary_size;
  item.peek = false;
  item.section.part = {2};
  EXPECT_EQ(written(append_item_name, item, kPlain), "BINARY.SIZE[2]");
  item = {};
  item.kind = FetchItem::Kind::preview;
  item.lazy = true;
  EXPECT_EQ(written(append_item_name, item, kPlain), "PREVIEW");
  EXPECT_EQ(to_string(item), "PREVIEW (LAZY)");
}

TEST(ImapWriter, Codes) {
  std::string out;
  append_code(out, "READ-ONLY");
  append_code(out, "UIDNEXT", 4392);
  append_code(out, "HIGHESTMODSEQ", 9'223'372'036'854'775'807u);
  append_code(out, "MODIFIED", parse_number_set("7,9").value());
  EXPECT_EQ(out, "[READ-ONLY] [UIDNEXT 4392] [HIGHESTMODSEQ 9223372036854775807] [MODIFIED 7,9] ");
  // RFC 4315 3
  EXPECT_EQ(written(append_append_uid_code, 38505u, parse_number_set("3955").value()), "[APPENDUID 38505 3955] ");
  EXPECT_EQ(written(append_copy_uid_code, 38505u, parse_number_set("304,319:320").value(), parse_number_set("3956:3958").value()),
            "[COPYUID 38505 304,319:320 3956:3958] ");
  const std::array<std::string_view, 2> charsets = {"UTF-8", "US-ASCII"};
  EXPECT_EQ(written(append_bad_charset_code, charsets), "[BADCHARSET (UTF-8 US-ASCII)] ");
}

TEST(ImapWriter, Text_CannotBreakOut) {
  EXPECT_EQ(written(append_text, "done", kPlain), "done");
  EXPECT_EQ(written(append_text, "a\r\n* BYE", kPlain), "a??* BYE");
  EXPECT_EQ(written(append_text, "[ALERT] x", kPlain), " [ALERT] x");
  EXPECT_EQ(written(append_text, "", kPlain), "-");
  EXPECT_EQ(written(append_text, "ü", kPlain), "??");
  EXPECT_EQ(written(append_text, "ü", kUtf8), "ü");
}

}  // namespace
}  // namespace godwit::imap
