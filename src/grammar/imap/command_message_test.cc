#include "grammar/imap/command_fixture.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/writer.h"

namespace godwit::imap {
namespace {

using testing::ElementsAre;
using Kind = FetchItem::Kind;

std::vector<Kind> kinds(const Fetch& fetch) {
  std::vector<Kind> out;
  for (const auto& item : fetch.items) out.push_back(item.kind);
  return out;
}

TEST(ImapFetch, Macros) {
  EXPECT_THAT(kinds(parsed<Fetch>("FETCH 1 FAST")), ElementsAre(Kind::flags, Kind::internal_date, Kind::rfc822_size));
  EXPECT_THAT(kinds(parsed<Fetch>("FETCH 1 all")), ElementsAre(Kind::flags, Kind::internal_date, Kind::rfc822_size, Kind::envelope));
  EXPECT_THAT(kinds(parsed<Fetch>("FETCH 1 FULL")),
              ElementsAre(Kind::flags, Kind::internal_date, Kind::rfc822_size, Kind::envelope, Kind::body_basic));
  EXPECT_UNKNOWN("FETCH 1 (ALL)");
  EXPECT_UNKNOWN("FETCH 1 (FLAGS FAST)");
}

TEST(ImapFetch, ItemsAsWritten) {
  for (const std::string text : {"ENVELOPE",
                                 "FLAGS",
                                 "INTERNALDATE",
                                 "RFC822",
                                 "RFC822.HEADER",
                                 "RFC822.TEXT",
                                 "RFC822.SIZE",
                                 "BODYSTRUCTURE",
                                 "BODY",
                                 "UID",
                                 "MODSEQ",
                                 "EMAILID",
                                 "THREADID",
                                 "SAVEDATE",
                                 "PREVIEW",
                                 "PREVIEW (LAZY)",
                                 "BODY[]",
                                 "BODY.PEEK[]",
                                 "BODY[TEXT]",
                                 "BODY[HEADER]",
                                 "BODY[1]",
                                 "BODY.PEEK[1]<0.393216>",
                                 "BODY[]<0.2048>",
                                 "BODY[4.2.2.1]",
                                 "BODY[4.2.2.2.MIME]",
                                 "BODY[4.1.HEADER]",
                                 "BODY[3.TEXT]",
                                 "BODY[HEADER.FIELDS (Date From)]",
                                 "BODY.PEEK[1.HEADER.FIELDS.NOT (X-Y \"a b\")]",
                                 "BODY[HEADER.FIELDS ({3}\r\n\xc3\xbcx)]",
                                 "BINARY[]",
                                 "BINARY[1]",
                                 "BINARY.PEEK[2.1]<5.9223372036854775807>",
                                 "BINARY.SIZE[]",
                                 "BINARY.SIZE[1.2]"}) {
    SCOPED_TRACE(text);
    const auto fetch = parsed<Fetch>("FETCH 1 " + text);
    ASSERT_EQ(fetch.items.size(), 1u);
    EXPECT_EQ(to_string(fetch.items[0]), text);
    EXPECT_EQ(parsed<Fetch>("FETCH 1 (UID " + text + " FLAGS)").items.at(1), fetch.items[0]);
  }
}

TEST(ImapFetch, Rfc9051_6_4_5_Example) {
  const auto fetch = parsed<Fetch>("FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])");
  EXPECT_EQ(fetch.set.text(), "2:4");
  EXPECT_THAT(kinds(fetch), ElementsAre(Kind::flags, Kind::body));
  EXPECT_THAT(fetch.items[1].section.fields, ElementsAre("DATE", "FROM"));
  EXPECT_TRUE(fetch.items[1].sets_seen());
  EXPECT_FALSE(parsed<Fetch>("FETCH 1 body.peek[text]").items[0].sets_seen());
  EXPECT_FALSE(parsed<Fetch>("FETCH 1 BINARY.SIZE[1]").items[0].sets_seen());
  EXPECT_FALSE(parsed<Fetch>("FETCH 1 BODY").items[0].sets_seen());
  EXPECT_FALSE(parsed<Fetch>("FETCH 1 RFC822.HEADER").items[0].sets_seen());
  EXPECT_TRUE(parsed<Fetch>("UID FETCH $ RFC822").items[0].sets_seen());
}

TEST(ImapFetch, Modifiers) {
  const auto changed = parsed<Fetch>("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)");  // RFC 7162 3.1.4.1
  EXPECT_EQ(changed.changed_since, 12'345u);
  const auto vanished = parsed<Fetch>("UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)");  // RFC 7162 3.2.6
  EXPECT_TRUE(vanished.vanished && vanished.uid);
  EXPECT_TRUE(parsed<Fetch>("UID FETCH 1 FLAGS (vanished changedsince 1)").vanished);
  const auto preview = parsed<Fetch>("FETCH 1 PREVIEW (CHANGEDSINCE 5)");
  EXPECT_FALSE(preview.items[0].lazy);
  EXPECT_EQ(preview.changed_since, 5u);
  EXPECT_TRUE(parsed<Fetch>("FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 5)").items[0].lazy);
  EXPECT_BAD("FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)");
  EXPECT_BAD("UID FETCH 1 FLAGS (VANISHED)");
  EXPECT_EQ(parsed<Fetch>("FETCH 1 FLAGS (CHANGEDSINCE 0)").changed_since, 0u);
  EXPECT_BAD("FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)");
  EXPECT_BAD("FETCH 1 FLAGS (CHANGEDSINCE)");
  EXPECT_BAD("FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)");
  EXPECT_UNKNOWN("FETCH 1 FLAGS ()");
  EXPECT_UNKNOWN("FETCH 1 FLAGS (FOO)");
  EXPECT_UNKNOWN("FETCH 1 PREVIEW (FUZZY)");
  EXPECT_UNKNOWN("FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)");
}

TEST(ImapFetch, Wrong_Refused) {
  for (const std::string text : {"FETCH",
                                 "FETCH 1",
                                 "FETCH 1 ",
                                 "FETCH x FLAGS",
                                 "FETCH 0 FLAGS",
                                 "FETCH 1 ()",
                                 "FETCH 1 (FLAGS",
                                 "FETCH 1 FLAGS UID",
                                 "FETCH 1 (FLAGS  UID)",
                                 "FETCH 1 (FLAGS )",
                                 "FETCH 1 BODY[",
                                 "FETCH 1 BODY[1",
                                 "FETCH 1 BODY[0]",
                                 "FETCH 1 BODY[01]",
                                 "FETCH 1 BODY[1.]",
                                 "FETCH 1 BODY[.1]",
                                 "FETCH 1 BODY[1..2]",
                                 "FETCH 1 BODY[MIME]",
                                 "FETCH 1 BODY[FOO]",
                                 "FETCH 1 BODY[1.FOO]",
                                 "FETCH 1 BODY[TEXT.1]",
                                 "FETCH 1 BODY[HEADER.FIELDS]",
                                 "FETCH 1 BODY[HEADER.FIELDS ()]",
                                 "FETCH 1 BODY[HEADER.FIELDS (a)",
                                 "FETCH 1 BODY[HEADER (a)]",
                                 "FETCH 1 BODY[]<0>",
                                 "FETCH 1 BODY[]<0.0>",
                                 "FETCH 1 BODY[]<-1.5>",
                                 "FETCH 1 BODY[]<0.5",
                                 "FETCH 1 BODY[] <0.5>",
                                 "FETCH 1 BODY.PEEK",
                                 "FETCH 1 BINARY",
                                 "FETCH 1 BINARY[TEXT]",
                                 "FETCH 1 BINARY[1.MIME]",
                                 "FETCH 1 BINARY.SIZE[1]<0.5>",
                                 "FETCH 1 BODY[4294967296]",
                                 "FETCH 1 FLAGS[1]",
                                 "FETCH 1 UIDS",
                                 "FETCH 1 \"UID\"",
                                 "FETCH 1, FLAGS",
                                 "FETCH 1 RFC822.PEEK"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  std::string deep = "FETCH 1 BODY[1";
  for (std::size_t i = 1; i < kMaxPartDepth; ++i) deep += ".1";
  EXPECT_EQ(refusal(deep + "]"), "");
  EXPECT_EQ(refusal(deep + ".1]"), "limit");
  std::string many = "FETCH 1 (UID";
  for (std::size_t i = 1; i < kMaxFetchItems; ++i) many += " UID";
  EXPECT_EQ(refusal(many + ")"), "");
  EXPECT_EQ(refusal(many + " UID)"), "limit");
}

TEST(ImapStore, Changes) {
  const auto add = parsed<Store>("STORE 2:4 +FLAGS (\\Deleted)");  // RFC 9051 6.4.6
  EXPECT_EQ(add.change, Store::Change::add);
  EXPECT_TRUE(add.flags.has(SystemFlag::deleted));
  EXPECT_FALSE(add.silent);
  const auto bare = parsed<Store>("UID STORE 5 -flags.silent \\seen $Label1 Junk $label1");
  EXPECT_TRUE(bare.uid && bare.silent);
  EXPECT_EQ(bare.change, Store::Change::remove);
  EXPECT_THAT(bare.flags.keywords, ElementsAre("$Label1", "Junk"));
  EXPECT_TRUE(parsed<Store>("STORE 1 FLAGS ()").flags.empty());
  const auto unchanged = parsed<Store>("UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)");  // RFC 7162 3.1.3
  EXPECT_EQ(unchanged.unchanged_since, 12'121'230'045u);
  EXPECT_EQ(parsed<Store>("STORE 1 (UNCHANGEDSINCE 0) FLAGS ()").unchanged_since, 0u);
  for (const std::string text :
       {"STORE", "STORE 1", "STORE 1 FLAGS", "STORE 1 FLAGS ", "STORE 1 *FLAGS ()", "STORE 1 + FLAGS ()", "STORE 1 FLAGS (\\Seen",
        "STORE 1 FLAGS (\\Seen ) x", "STORE 1 FLAGS \\", "STORE 1 FLAGS \\Foo", "STORE 1 FLAGS (\\Recent)", "STORE 1 FLAGS (\\*)",
        "STORE 1 FLAGS (a]b)", "STORE 1 FLAGS \"a\"", "STORE 1 FLAGS.LOUD ()", "STORE 1 (UNCHANGEDSINCE) FLAGS ()",
        "STORE 1 (UNCHANGEDSINCE -1) FLAGS ()", "STORE 1 () FLAGS ()"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  std::string many = "STORE 1 FLAGS (k0";
  for (std::size_t i = 1; i <= kMaxFlags; ++i) many += " k" + std::to_string(i);
  EXPECT_EQ(refusal(many + ")"), "limit");
}

TEST(ImapCopy, CopyMoveExpunge) {
  const auto copy = parsed<Copy>("COPY 2:4 MEETING");
  EXPECT_FALSE(copy.move || copy.uid);
  EXPECT_EQ(copy.mailbox, "MEETING");
  const auto move = parsed<Copy>("UID MOVE 42:69 foo");  // RFC 6851 3.3
  EXPECT_TRUE(move.move && move.uid);
  EXPECT_TRUE(parsed<Copy>("COPY $ x").set.saved);
  EXPECT_FALSE(parsed<Expunge>("EXPUNGE").uids.has_value());
  EXPECT_EQ(parsed<Expunge>("UID EXPUNGE 3000:3002").uids->text(), "3000:3002");  // RFC 4315 2.1
  for (const std::string text : {"COPY 1", "COPY 1 ", "COPY x y", "EXPUNGE 1", "UID EXPUNGE", "UID MOVE 1 a b"}) EXPECT_BAD(text);
}

}  // namespace
}  // namespace godwit::imap
