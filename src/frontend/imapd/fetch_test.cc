#include "frontend/imapd/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "frontend/imapd/fetch_fixture.h"
#include "frontend/imapd/fetch_plan.h"
#include "frontend/imapd/fetch_values.h"
#include "grammar/imap/date.h"
#include "state/mailbox/rows.h"

namespace godwit::imapd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::string_literals;

class FetchTest : public ::testing::Test, protected testing::FetchWorld {
 protected:
  std::string checked(std::string_view items) {
    std::string text = fetch(items);
    EXPECT_TRUE(testing::ResponseReader(text).all()) << text.substr(0, 2'000);
    return text;
  }
  mailbox::Uid add_with(std::string bytes, std::uint8_t flags, std::vector<std::string> keywords = {}, std::string prefix = "") {
    testing::AddedMessage message{std::move(bytes), std::move(prefix), flags, std::move(keywords)};
    return add(std::move(message));
  }
  void expunge(mailbox::Uid uid_gone) {
    const std::vector<mailbox::UidRange> which(1, {uid_gone, uid_gone});
    ASSERT_TRUE(loop.run(mailboxes.expunge(kAccount, mailbox::kInbox, which, false)).has_value());
  }
};

constexpr const char* kSmall = "Subject: x\r\n\r\nbody\r\n";

// --- What MessageInfo answers

TEST_F(FetchTest, Flags) {
  add(kSmall);
  add_with(kSmall, mailbox::kSeen | mailbox::kAnswered | mailbox::kFlagged | mailbox::kDeleted | mailbox::kDraft, {"$label1", "NIL"});
  EXPECT_EQ(checked("FLAGS"),
            "* 1 FETCH (FLAGS ())\r\n"
            "* 2 FETCH (FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $label1 NIL))\r\n");
}

TEST_F(FetchTest, Recent_IsNotInRev2) {
  add(kSmall);
  add_with(kSmall, mailbox::kSeen);
  recent.add(mailbox::UidRange{2, 100});
  EXPECT_EQ(checked("FLAGS"), "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Seen \\Recent))\r\n");
  dialect.rev2 = true;
  EXPECT_EQ(checked("FLAGS"), "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Seen))\r\n");
}

TEST_F(FetchTest, UidFetch_BeginsWithTheUid) {
  add(kSmall);
  uid = true;
  EXPECT_EQ(checked("(FLAGS)"), "* 1 FETCH (UID 1 FLAGS ())\r\n");
  EXPECT_EQ(checked("(FLAGS UID)"), "* 1 FETCH (UID 1 FLAGS ())\r\n");
  uid = false;
  EXPECT_EQ(checked("(FLAGS UID FLAGS)"), "* 1 FETCH (FLAGS () UID 1)\r\n");
}

TEST_F(FetchTest, Fast) {
  add(kSmall);
  EXPECT_THAT(checked("FAST"),
              ::testing::MatchesRegex(R"re(\* 1 FETCH \(FLAGS \(\) INTERNALDATE "[0-9 ][0-9]-...-[0-9]* .* \+0000" RFC822.SIZE 20\)..)re"));
}

TEST_F(FetchTest, ObjectIds) {
  add(kSmall);
  EXPECT_THAT(checked("(EMAILID THREADID)"), ::testing::MatchesRegex("\\* 1 FETCH \\(EMAILID \\(M[0-9]+\\) THREADID \\(T[0-9]+\\)\\)\r\n"));
}

TEST_F(FetchTest, SaveDate) {
  add(kSmall);
  EXPECT_THAT(checked("SAVEDATE"), HasSubstr("SAVEDATE \""));
}

TEST_F(FetchTest, Modseq_GoesWithFlagsOnceCondstoreIsOn) {
  add(kSmall);
  EXPECT_THAT(checked("MODSEQ"), ::testing::MatchesRegex("\\* 1 FETCH \\(MODSEQ \\([0-9]+\\)\\)\r\n"));
  with_modseq = true;
  EXPECT_THAT(checked("FLAGS"), ::testing::MatchesRegex("\\* 1 FETCH \\(FLAGS \\(\\) MODSEQ \\([0-9]+\\)\\)\r\n"));
  EXPECT_THAT(checked("UID"), "* 1 FETCH (UID 1)\r\n");
}

// RFC 7162 3.1.4.1
TEST_F(FetchTest, ChangedSince_GivesNewerOnes) {
  add(kSmall);
  add(kSmall);
  const std::vector<mailbox::UidRange> first(1, {1, 1});
  const auto modseq = loop.run(mailboxes.messages(kAccount, mailbox::kInbox, first)).value().at(0).modseq;
  EXPECT_THAT(checked("(UID) (CHANGEDSINCE " + std::to_string(modseq) + ")"),
              ::testing::MatchesRegex("\\* 2 FETCH \\(UID 2 MODSEQ \\([0-9]+\\)\\)\r\n"));
  EXPECT_EQ(result.gone, 0u);
  EXPECT_EQ(checked("(UID) (CHANGEDSINCE 9223372036854775807)"), "");
}

TEST_F(FetchTest, NewlySeen_FlagsAreTold) {
  add(kSmall);
  add_with(kSmall, mailbox::kSeen);
  newly_seen = {2};
  EXPECT_EQ(checked("BODY[TEXT]"), "* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)\r\n* 2 FETCH (BODY[TEXT] {6}\r\nbody\r\n FLAGS (\\Seen))\r\n");
  EXPECT_EQ(checked("(FLAGS)"), "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Seen))\r\n");
  with_modseq = true;
  EXPECT_THAT(checked("UID"), HasSubstr("* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ ("));
}

TEST_F(FetchTest, NotSeen) {
  add(kSmall);
  add_with(kSmall, mailbox::kSeen);
  add(kSmall);
  expunge(1);
  EXPECT_THAT(loop.run(not_seen(mailboxes, kAccount, mailbox::kInbox, all)).value(), ElementsAre(3));
  const std::vector<mailbox::UidRange> last(1, {3, 3});
  const auto modseq = loop.run(mailboxes.messages(kAccount, mailbox::kInbox, last)).value().at(0).modseq;
  EXPECT_THAT(loop.run(not_seen(mailboxes, kAccount, mailbox::kInbox, all, modseq - 1)).value(), ElementsAre(3));
  EXPECT_THAT(loop.run(not_seen(mailboxes, kAccount, mailbox::kInbox, all, modseq)).value(), IsEmpty());
}

TEST(NeedsSeen, AsTheItemsSay) {
  const auto asks = [](std::string_view items) {
    auto command = imap::parse_command("a FETCH 1 " + std::string(items), {});
    return needs_seen(std::get<imap::Fetch>(command->request).items);
  };
  EXPECT_TRUE(asks("(FLAGS BODY[1])"));
  EXPECT_TRUE(asks("RFC822"));
  EXPECT_FALSE(asks("(RFC822.HEADER BODY.PEEK[] BINARY.PEEK[1] BINARY.SIZE[1])"));
}

TEST_F(FetchTest, ManyMessages_ComeInPieces) {
  for (int i = 0; i < 2'500; ++i) add(kSmall);
  expunge(1'700);
  const std::string text = checked("(UID FLAGS RFC822.SIZE INTERNALDATE MODSEQ)");
  EXPECT_EQ(std::ranges::count(text, '\n'), 2'499);
  EXPECT_EQ(result.gone, 1u);
  EXPECT_GT(stream.writes.size(), 1u);
  EXPECT_LT(std::ranges::max(stream.writes), Output::kLarge + 1'000);
  const std::string headers = checked("(BODY.PEEK[HEADER.FIELDS (Subject)])");
  EXPECT_EQ(std::ranges::count(headers, '*'), 2'499);
  EXPECT_LT(stream.writes.front(), 5'000u);  // early
}

// --- Envelope, structure, preview

TEST_F(FetchTest, Full) {
  add("Subject: hello\r\nFrom: a@b\r\n\r\nbody\r\n");
  const std::string text = checked("FULL");
  EXPECT_THAT(text, StartsWith("* 1 FETCH (FLAGS () INTERNALDATE \""));
  EXPECT_THAT(text, HasSubstr(" ENVELOPE (NIL \"hello\" ((NIL NIL \"a\" \"b\")) "));
  EXPECT_THAT(text, HasSubstr(" BODY (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1))\r\n"));
  EXPECT_THAT(checked("BODYSTRUCTURE"), HasSubstr("(BODYSTRUCTURE (\"text\" \"plain\" "));
}

TEST_F(FetchTest, Preview) {
  add(kSmall);
  add("");
  const std::string text = checked("(PREVIEW)");
  EXPECT_THAT(text, HasSubstr("* 1 FETCH (PREVIEW \""));
  EXPECT_THAT(text, HasSubstr("* 2 FETCH (PREVIEW \""));
  EXPECT_THAT(checked("(PREVIEW (LAZY))"), Not(HasSubstr("LAZY")));
}

TEST_F(FetchTest, EmptyOneLineHeaderless) {
  for (const char* each : {"", "one line", "\r\nno header\r\n", "\r\n", "A: b\r\n"}) add(each);
  EXPECT_EQ(checked("(BODY[])"),
            "* 1 FETCH (BODY[] \"\")\r\n* 2 FETCH (BODY[] {8}\r\none line)\r\n* 3 FETCH (BODY[] {13}\r\n\r\nno header\r\n)\r\n"
            "* 4 FETCH (BODY[] {2}\r\n\r\n)\r\n* 5 FETCH (BODY[] {6}\r\nA: b\r\n)\r\n");
  EXPECT_EQ(checked("(BODY[TEXT] BODY[HEADER])"),
            "* 1 FETCH (BODY[TEXT] \"\" BODY[HEADER] \"\")\r\n* 2 FETCH (BODY[TEXT] \"\" BODY[HEADER] {8}\r\none line)\r\n"
            "* 3 FETCH (BODY[TEXT] {11}\r\nno header\r\n BODY[HEADER] {2}\r\n\r\n)\r\n"
            "* 4 FETCH (BODY[TEXT] \"\" BODY[HEADER] {2}\r\n\r\n)\r\n* 5 FETCH (BODY[TEXT] \"\" BODY[HEADER] {6}\r\nA: b\r\n)\r\n");
  checked("(ENVELOPE BODYSTRUCTURE BODY[1] BINARY[1] BINARY.SIZE[1] BODY[1.MIME] RFC822 RFC822.HEADER RFC822.TEXT PREVIEW)");
  EXPECT_EQ(result.unreadable, 0u);
}

TEST_F(FetchTest, TenThousandParts_AndADeepMessage) {
  std::string wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) wide += "--b\r\n\r\nx" + std::to_string(i) + "\r\n";
  add(wide + "--b--\r\n");
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "Content-Type: message/rfc822\r\n\r\n";
  add(deep);
  const std::string text = checked("(BODY[10000] BODYSTRUCTURE)");
  EXPECT_THAT(text, StartsWith("* 1 FETCH (BODY[10000] {5}\r\nx9999 BODYSTRUCTURE (("));
  EXPECT_THAT(checked("BODY[1.1.1.1.1.1.HEADER]"),
              HasSubstr("* 2 FETCH (BODY[1.1.1.1.1.1.HEADER] {32}\r\nContent-Type: message/rfc822\r\n\r\n)\r\n"));
}

// --- Bytes

TEST_F(FetchTest, Sections_HaveTheirLabels) {
  add("Subject: x\r\nTo: me\r\n\r\nbody\r\n");
  EXPECT_EQ(checked("(BODY.PEEK[]<0.10> RFC822.SIZE BODY.PEEK[HEADER.FIELDS (to \"x y\")] BODY[9] BODY[9]<0.5> BINARY.SIZE[9] BINARY[9])"),
            "* 1 FETCH (BODY[]<0> {10}\r\nSubject: x RFC822.SIZE 28 BODY[HEADER.FIELDS (to \"x y\")] {10}\r\nTo: me\r\n\r\n BODY[9] NIL "
            "BODY[9]<0> NIL BINARY.SIZE[9] 0 BINARY[9] NIL)\r\n");
  EXPECT_EQ(checked("BODY.PEEK[1]<0.393216>"), "* 1 FETCH (BODY[1]<0> {6}\r\nbody\r\n)\r\n");
  EXPECT_EQ(checked("BODY.PEEK[1]<6.100>"), "* 1 FETCH (BODY[1]<6> \"\")\r\n");
  EXPECT_EQ(checked("(RFC822 RFC822.HEADER RFC822.TEXT)"),
            "* 1 FETCH (RFC822 {28}\r\nSubject: x\r\nTo: me\r\n\r\nbody\r\n RFC822.HEADER {22}\r\nSubject: x\r\nTo: me\r\n\r\n RFC822.TEXT "
            "{6}\r\nbody\r\n)\r\n");
}

TEST_F(FetchTest, Prefix) {
  add_with(kSmall, 0, {}, "Return-Path: <>\r\n");
  EXPECT_EQ(checked("(RFC822.SIZE BODY[TEXT] BODY[HEADER] BODY[1])"),
            "* 1 FETCH (RFC822.SIZE 37 BODY[TEXT] {6}\r\nbody\r\n BODY[HEADER] {31}\r\nReturn-Path: <>\r\nSubject: x\r\n\r\n BODY[1] "
            "{6}\r\nbody\r\n)\r\n");
}

TEST_F(FetchTest, NulAndEightBit) {
  add("Subject: \xFC\r\nContent-Transfer-Encoding: binary\r\n\r\na\0\xFC\r\n"s);
  EXPECT_THAT(checked("BODY[TEXT]"), "* 1 FETCH (BODY[TEXT] {5}\r\na\x80\xFC\r\n)\r\n");
  EXPECT_EQ(checked("(BINARY.SIZE[1] BINARY[1])"), "* 1 FETCH (BINARY.SIZE[1] 5 BINARY[1] ~{5}\r\na\0\xFC\r\n)\r\n"s);
  EXPECT_THAT(checked("BINARY[1]<2.2>"), "* 1 FETCH (BINARY[1]<2> {2}\r\n\xFC\r)\r\n");
  EXPECT_THAT(checked("(ENVELOPE)"), HasSubstr("(NIL {1}\r\n\xFC "));
}

TEST_F(FetchTest, UnknownEncoding_IsLeftOut) {
  add("Content-Transfer-Encoding: x-uuencode\r\n\r\nx");
  add(kSmall);
  EXPECT_EQ(checked("BINARY[1]"), "* 2 FETCH (BINARY[1] {6}\r\nbody\r\n)\r\n");
  EXPECT_TRUE(result.unknown_encoding);
  EXPECT_EQ(result.unreadable, 0u);
  EXPECT_EQ(checked("(UID BINARY.SIZE[1])"), "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2 BINARY.SIZE[1] 6)\r\n");
  EXPECT_TRUE(result.unknown_encoding);
}

TEST_F(FetchTest, BinaryOfAMultipart) {
  add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--");
  EXPECT_THAT(checked("BINARY[]"), HasSubstr("BINARY[] {60}\r\n"));
  dialect.rev2 = true;
  EXPECT_THAT(checked("BINARY[1]"), HasSubstr("BINARY[1] {1}\r\nx"));
  EXPECT_FALSE(result.composite);
}

TEST_F(FetchTest, BinaryOfANestedMultipart_IsRefusedInRev2) {
  add("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; "
      "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--a--");
  EXPECT_EQ(checked("BINARY[1]"), "* 1 FETCH (BINARY[1] {15}\r\n--b\r\n\r\nx\r\n--b--)\r\n");
  dialect.rev2 = true;
  EXPECT_EQ(checked("BINARY[1]"), "");
  EXPECT_TRUE(result.composite);
}

TEST_F(FetchTest, LargeBody_IsStreamed) {
  std::string body(3'000'000, 'x');
  add("Subject: x\r\n\r\n" + body);
  const std::string text = checked("BODY[TEXT]");
  EXPECT_TRUE(text == "* 1 FETCH (BODY[TEXT] {3000000}\r\n" + body + ")\r\n");
  EXPECT_LE(std::ranges::max(stream.writes), Output::kLarge + MessageReader::kPiece);
  EXPECT_GT(stream.writes.size(), 20u);
}

// --- What goes wrong

TEST_F(FetchTest, ExpungedMeanwhile_IsCounted) {
  add(kSmall);
  add(kSmall);
  add(kSmall);
  expunge(2);
  EXPECT_EQ(checked("(UID BODY[TEXT])"),
            "* 1 FETCH (UID 1 BODY[TEXT] {6}\r\nbody\r\n)\r\n* 3 FETCH (UID 3 BODY[TEXT] {6}\r\nbody\r\n)\r\n");
  EXPECT_EQ(result.gone, 1u);
  EXPECT_EQ(result.unreadable, 0u);
}

TEST_F(FetchTest, DamagedBytes_LeaveTheirItemsOut) {
  add(kSmall);
  blobs.damage_blob(blobs.ids().at(0));
  add(kSmall);
  EXPECT_EQ(checked("(UID BODY[TEXT] RFC822.SIZE)"),
            "* 1 FETCH (UID 1 RFC822.SIZE 20)\r\n* 2 FETCH (UID 2 BODY[TEXT] {6}\r\nbody\r\n RFC822.SIZE 20)\r\n");
  EXPECT_EQ(result.unreadable, 1u);
  EXPECT_EQ(checked("BODYSTRUCTURE"),
            "* 2 FETCH (BODYSTRUCTURE (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1 NIL NIL NIL NIL))\r\n");
  EXPECT_EQ(result.unreadable, 1u);
  EXPECT_FALSE(out.broken());
}

TEST_F(FetchTest, LostRecord_IsNotTakenForAnExpungedMessage) {
  add(kSmall);
  const std::vector<mailbox::UidRange> first(1, {1, 1});
  const auto email = loop.run(mailboxes.messages(kAccount, mailbox::kInbox, first)).value().at(0).email;
  store::Batch loss;
  loss.erase(store::Keyspace::mailbox, mailbox::email_key(email));
  ASSERT_TRUE(loop.run(engine.write(directory::partition_of(kAccount), std::move(loss))).ok());
  for (const char* item : {"BODY[TEXT]", "ENVELOPE", "BODY[1]", "THREADID"}) {
    EXPECT_EQ(checked("(UID " + std::string(item) + ")"), "* 1 FETCH (UID 1)\r\n") << item;
    EXPECT_EQ(result.unreadable, 1u) << item;
    EXPECT_EQ(result.gone, 0u) << item;
  }
}

TEST_F(FetchTest, DamagedInTheMiddle_BreaksOff) {
  add("Subject: x\r\n\r\n" + std::string(300'000, 'x'));
  stream.on_write = [this] { blobs.damage_blob(blobs.ids().at(0)); };
  const std::string text = fetch("(BODY[] UID)");
  EXPECT_TRUE(out.broken());
  EXPECT_EQ(result.unreadable, 1u);
  EXPECT_THAT(text, StartsWith("* 1 FETCH (BODY[] {300014}\r\n"));
  EXPECT_LT(text.size(), 300'000u);
}

TEST_F(FetchTest, UnreadableMailbox_IsAnError) {
  add(kSmall);
  engine.crash_keeping_all();
  Fetching fetching{.mailboxes = mailboxes,
                    .blobs = blobs,
                    .out = out,
                    .account = kAccount,
                    .mailbox = mailbox::kInbox,
                    .dialect = {},
                    .keywords = std::make_shared<const mailbox::Keywords>(),
                    .newly_seen = {}};
  std::vector<imap::FetchItem> items(1);
  EXPECT_TRUE(loop.run(imapd::fetch(std::move(fetching), std::move(items), true, all, std::nullopt)).error.has_value());
}

TEST_F(FetchTest, ClientGone_EndsIt) {
  for (int i = 0; i < 50; ++i) add("Subject: x\r\n\r\n" + std::string(100'000, 'x'));
  stream.failing = true;
  fetch("BODY[]");
  EXPECT_TRUE(out.broken());
  EXPECT_TRUE(out.buffer().empty());
}

// --- Values, plan

TEST(AppendDateTime, AsTheGrammarWritesIt) {
  for (const std::int64_t seconds : {0L, 760'661'000L, 951'782'399L, 951'782'400L, 1'795'386'159L, 253'402'300'799L, -1L}) {
    const std::chrono::sys_seconds when{std::chrono::seconds(seconds)};
    std::string out;
    append_date_time(out, WallTime(when));
    EXPECT_EQ(out, "\"" + imap::format_date_time({when, 0}) + "\"");
  }
}

TEST(FetchPlanTest, ReadsAsLittleAsCanBe) {
  const auto plan = [](std::string_view items) {
    auto command = imap::parse_command("a FETCH 1 " + std::string(items), {});
    return make_fetch_plan(std::get<imap::Fetch>(command->request).items, {.uid = true, .modseq = false, .modseq_with_flags = false}, {});
  };
  EXPECT_TRUE(plan("(FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID SAVEDATE)").plain());
  EXPECT_EQ(plan("(ENVELOPE)").details, mailbox::Details::kEnvelope);
  EXPECT_FALSE(plan("(ENVELOPE)").emails);
  EXPECT_EQ(plan("(BODY.PEEK[HEADER.FIELDS (To)])").details, 0);
  EXPECT_TRUE(plan("(BODY.PEEK[HEADER.FIELDS (To)])").emails);
  EXPECT_EQ(plan("(BODY[1] PREVIEW)").details, mailbox::Details::kStructure | mailbox::Details::kPreview);
  EXPECT_EQ(plan("(BODY[] BODY.PEEK[] BODY[]<0.1> BODY[]<0.2>)").items.size(), 4u);
}

}  // namespace
}  // namespace godwit::imapd
