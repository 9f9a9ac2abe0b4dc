#include "grammar/imap/command_fixture.h"
#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Dialect kUtf8{.utf8_accept = true};

TEST(ImapSelect, Parameters) {
  EXPECT_EQ(parsed<Select>("SELECT INBOX").mailbox, "INBOX");
  EXPECT_TRUE(parsed<Select>("EXAMINE blurdybloop").examine);
  EXPECT_TRUE(parsed<Select>("SELECT INBOX (CONDSTORE)").condstore);  // RFC 7162 3.1.8
  // RFC 7162 3.2.5
  const auto first = parsed<Select>("SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))");
  ASSERT_TRUE(first.qresync.has_value());
  EXPECT_EQ(first.qresync->uid_validity, 67'890'007u);
  EXPECT_EQ(first.qresync->modseq, 20'050'715'194'045'000u);
  EXPECT_EQ(first.qresync->known_uids->text(), "41,43:211,214:541");
  // RFC 7162 3.2.5.2
  const auto second = parsed<Select>("SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1,3:5 41,43:45)) CONDSTORE)");
  ASSERT_TRUE(second.qresync && second.qresync->sequence_match);
  EXPECT_EQ(second.qresync->sequence_match->first.text(), "1,3:5");
  EXPECT_EQ(second.qresync->sequence_match->second.text(), "41,43:45");
  EXPECT_TRUE(second.condstore);
  EXPECT_FALSE(parsed<Select>("SELECT x (CONDSTORE QRESYNC (1 1))").qresync->known_uids.has_value());
  EXPECT_TRUE(parsed<Select>("SELECT x (QRESYNC (1 1 (1 1)))").qresync->sequence_match.has_value());
}

TEST(ImapSelect, Wrong_Refused) {
  for (const std::string text :
       {"SELECT", "SELECT ", "SELECT a b", "SELECT a ()", "SELECT a (CONDSTORE", "SELECT a CONDSTORE", "SELECT a (QRESYNC)",
        "SELECT a (QRESYNC 1 1)", "SELECT a (QRESYNC (0 1))", "SELECT a (QRESYNC (1 0))", "SELECT a (QRESYNC (1))",
        "SELECT a (QRESYNC (1 1 1:*))", "SELECT a (QRESYNC (1 1 $))", "SELECT a (QRESYNC (1 1 1 (1:2 1)))",
        "SELECT a (QRESYNC (1 1) QRESYNC (1 1))", "SELECT a*", "SELECT a%"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  EXPECT_UNKNOWN("SELECT INBOX (BLURDYBLOOP)");  // RFC 4466 2.1
  EXPECT_UNKNOWN("SELECT INBOX (ANNOTATE)");
}

TEST(ImapMailboxes, Names) {
  EXPECT_EQ(parsed<Delete>("DELETE Entw&APw-rfe").mailbox, "Entwürfe");
  EXPECT_EQ(parsed<Delete>("DELETE \"Entwürfe\"", kUtf8).mailbox, "Entwürfe");
  EXPECT_EQ(parsed<Delete>("DELETE {4}\r\na\"\\b").mailbox, "a\"\\b");
  EXPECT_EQ(parsed<Subscribe>("SUBSCRIBE #news.comp.mail.mime").mailbox, "#news.comp.mail.mime");  // RFC 3501 6.3.6
  EXPECT_FALSE(parsed<Subscribe>("UNSUBSCRIBE x").subscribe);
  const auto rename = parsed<Rename>("RENAME inbox \"old mail\"");
  EXPECT_EQ(rename.from, "INBOX");
  EXPECT_EQ(rename.to, "old mail");
  for (const std::string text : {"DELETE \"\"", "DELETE &AGEA-", "SELECT \"a\x01\"", "RENAME a &", "STATUS {2}\r\n\xc3\xbc (MESSAGES)"}) {
    EXPECT_EQ(refusal(text), "denied") << text;
  }
  EXPECT_BAD("RENAME a");
  EXPECT_BAD("RENAME a b c");
}

TEST(ImapMailboxes, CreateWithUse) {
  EXPECT_EQ(parsed<Create>("CREATE owatagusiam/").mailbox, "owatagusiam/");
  EXPECT_THAT(parsed<Create>("CREATE MySpecial (USE (\\Drafts \\Sent))").special_uses, ElementsAre("\\Drafts", "\\Sent"));  // RFC 6154 5.3
  EXPECT_THAT(parsed<Create>("CREATE x (use ())").special_uses, IsEmpty());
  EXPECT_UNKNOWN("CREATE x (COLOUR (red))");
  EXPECT_UNKNOWN("CREATE x (USE (\\Sent) COLOUR)");
  for (const std::string text : {"CREATE", "CREATE x (USE)", "CREATE x (USE \\Sent)", "CREATE x (USE (Sent))", "CREATE x (USE (\\Sent)",
                                 "CREATE x (USE (\\Sent )))"}) {
    EXPECT_BAD(text);
  }
}

TEST(ImapStatus, Items) {
  EXPECT_THAT(parsed<Status>("STATUS blurdybloop (UIDNEXT MESSAGES)").items, ElementsAre(StatusItem::uid_next, StatusItem::messages));
  EXPECT_THAT(
      parsed<Status>("STATUS x (messages recent uidvalidity unseen deleted size highestmodseq appendlimit mailboxid deleted-storage size)")
          .items,
      ElementsAre(StatusItem::messages, StatusItem::recent, StatusItem::uid_validity, StatusItem::unseen, StatusItem::deleted,
                  StatusItem::size, StatusItem::highest_modseq, StatusItem::append_limit, StatusItem::mailbox_id,
                  StatusItem::deleted_storage));
  EXPECT_EQ(to_string(StatusItem::deleted_storage), "DELETED-STORAGE");
  EXPECT_EQ(to_string(StatusItem::messages), "MESSAGES");
  for (const std::string text : {"STATUS x", "STATUS x MESSAGES", "STATUS x (MESSAGES", "STATUS x (MESSAGES) y"}) EXPECT_BAD(text);
  EXPECT_UNKNOWN("STATUS x ()");
  EXPECT_UNKNOWN("STATUS x (MESSAGES )");
  EXPECT_UNKNOWN("STATUS x (FOO)");
}

TEST(ImapList, Plain) {
  const auto list = parsed<List>("LIST ~/Mail/ %");  // RFC 9051 6.3.9.8
  EXPECT_EQ(list.reference, "~/Mail/");
  EXPECT_THAT(list.patterns, ElementsAre("%"));
  EXPECT_FALSE(list.extended);
  EXPECT_THAT(parsed<List>("LIST \"\" \"\"").patterns, ElementsAre(""));
  EXPECT_THAT(parsed<List>("LIST \"\" Entw&APw-*").patterns, ElementsAre("Entwü*"));
  EXPECT_THAT(parsed<List>("LIST \"\" \"Entwü*\"", kUtf8).patterns, ElementsAre("Entwü*"));
  EXPECT_EQ(parsed<List>("LSUB \"#news.\" \"comp.mail.*\"").form, List::Form::lsub);
  EXPECT_EQ(parsed<List>("XLIST \"\" \"*\"").form, List::Form::xlist);
  for (const std::string text :
       {"LIST", "LIST \"\"", "LIST \"\" ", "LIST \"\" * x", "LSUB \"\" (a b)", "LSUB \"\" * RETURN ()", "XLIST () \"\" *", "LIST % *"}) {
    EXPECT_BAD(text);
  }
}

TEST(ImapList, Rfc5258_5_Examples) {
  EXPECT_TRUE(parsed<List>("LIST (SUBSCRIBED) \"\" \"*\"").select_subscribed);
  EXPECT_TRUE(parsed<List>("LIST () \"\" \"%\" RETURN (CHILDREN)").return_children);
  const auto remote = parsed<List>("LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)");
  EXPECT_TRUE(remote.select_remote && remote.return_children && remote.extended);
  const auto both = parsed<List>("LIST (REMOTE SUBSCRIBED) \"\" \"*\"");
  EXPECT_TRUE(both.select_remote && both.select_subscribed);
  EXPECT_THAT(parsed<List>("LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")").patterns, ElementsAre("INBOX", "Drafts", "Sent/%"));
  const auto recursive = parsed<List>("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN (SUBSCRIBED CHILDREN)");
  EXPECT_TRUE(recursive.recursive_match && recursive.return_subscribed);
  EXPECT_TRUE(parsed<List>("LIST \"\" * RETURN ()").extended);
  EXPECT_TRUE(parsed<List>("LIST \"\" (\"\")").extended);
  EXPECT_BAD("LIST (RECURSIVEMATCH) \"\" *");
  EXPECT_BAD("LIST (RECURSIVEMATCH REMOTE) \"\" *");
  EXPECT_BAD("LIST \"\" ()");
  EXPECT_BAD("LIST \"\" * RETURN");
  EXPECT_BAD("LIST \"\" * RETURN (STATUS)");
  EXPECT_UNKNOWN("LIST (FOO) \"\" *");
  EXPECT_UNKNOWN("LIST \"\" * RETURN (MYRIGHTS)");  // RFC 8440, which we do not have
  EXPECT_UNKNOWN("LIST \"\" * RETURN (CHILDREN )");
}

TEST(ImapList, StatusAndSpecialUse) {
  // RFC 5819 3, RFC 6154 5.2
  const auto list = parsed<List>("LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)");
  EXPECT_THAT(list.return_status, ElementsAre(StatusItem::messages, StatusItem::unseen));
  EXPECT_TRUE(list.return_special_use);
  EXPECT_TRUE(parsed<List>("LIST (SPECIAL-USE) \"\" *").select_special_use);
}

TEST(ImapAppend, Messages) {
  // RFC 9051 6.3.12
  const auto one = parsed<Append>("APPEND saved-messages (\\Seen) {326}\r\n");
  ASSERT_EQ(one.messages.size(), 1u);
  EXPECT_EQ(one.mailbox, "saved-messages");
  EXPECT_EQ(one.messages[0].size, 326u);
  EXPECT_TRUE(one.messages[0].flags.has(SystemFlag::seen));
  EXPECT_FALSE(one.messages[0].binary);
  // RFC 3502 6.3.11
  const auto two = parsed<Append>("APPEND saved-messages (\\Seen) {329}\r\n (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {295+}\r\n");
  ASSERT_EQ(two.messages.size(), 2u);
  EXPECT_EQ(two.messages[1].size, 295u);
  EXPECT_EQ(format_date_time(two.messages[1].internal_date.value()), " 7-Feb-1994 22:43:04 -0800");
  EXPECT_TRUE(parsed<Append>("APPEND drafts ~{61}\r\n").messages[0].binary);        // RFC 3516 5
  const auto utf8 = parsed<Append>("APPEND x ($Junk) UTF8 (~{9}\r\n) () {0}\r\n");  // RFC 6855 4
  ASSERT_EQ(utf8.messages.size(), 2u);
  EXPECT_TRUE(utf8.messages[0].utf8 && utf8.messages[0].binary);
  EXPECT_THAT(utf8.messages[0].flags.keywords, ElementsAre("$Junk"));
  EXPECT_EQ(parsed<Append>("APPEND {7}\r\nfoo bar {1}\r\n").mailbox, "foo bar");
}

TEST(ImapAppend, Wrong_Refused) {
  for (const std::string text :
       {"APPEND", "APPEND x", "APPEND x ", "APPEND x {3}", "APPEND x {3}\r\nabc", "APPEND x \"abc\"", "APPEND x (\\Seen){3}\r\n",
        "APPEND x \"1-Feb-1994\" {3}\r\n", "APPEND x \"17-Jul-1996 02:44:25 -0700\" (\\Seen) {3}\r\n", "APPEND x (\\Foo) {3}\r\n",
        "APPEND x (\\Recent) {3}\r\n", "APPEND x (\\*) {3}\r\n", "APPEND x UTF8 ({3}\r\n)", "APPEND x UTF8 (~{3}\r\n",
        "APPEND x UTF8 ~{3}\r\n", "APPEND x {3}\r\n ", "APPEND x {9223372036854775808}\r\n", "APPEND x CATENATE (TEXT {3}\r\n)"}) {
    EXPECT_BAD(text);
  }
  std::string many = "APPEND x";
  for (std::size_t i = 0; i <= kMaxAppendMessages; ++i) many += " {1}\r\n";
  EXPECT_EQ(refusal(many), "limit");
}

}  // namespace
}  // namespace godwit::imap
