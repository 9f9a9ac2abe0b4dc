#include "frontend/imapd/search.h"

#include <gtest/gtest.h>

#include "frontend/imapd/search_fixture.h"
#include "frontend/imapd/search_terms.h"

namespace godwit::imapd {
namespace {

class SearchTest : public ::testing::Test, protected SearchBox {
 protected:
  static std::string literal(std::string_view text) { return "{" + std::to_string(text.size()) + "}\r\n" + std::string(text); }
  void add_all(const std::vector<std::string>& mails) {
    for (const auto& mail : mails) add(mail);
    refresh();
  }
};

TEST_F(SearchTest, FlagsAndSets_ReadNoMessage) {
  const auto one = add_mail({"Subject: a\n\n1", {}, mailbox::kSeen, {"work"}});
  add_mail({"Subject: b\n\n2", {}, mailbox::kFlagged | mailbox::kSeen, {}});
  add("Subject: c\n\n3");
  refresh();
  blobs.damage_blob(last_blob);
  EXPECT_EQ(numbers("ALL"), "1 2 3");
  EXPECT_EQ(numbers("SEEN"), "1 2");
  EXPECT_EQ(numbers("SEEN NOT FLAGGED"), "1");
  EXPECT_EQ(numbers("KEYWORD work"), "1");
  EXPECT_EQ(numbers("UNKEYWORD work"), "2 3");
  EXPECT_EQ(numbers("*"), "3");
  EXPECT_EQ(numbers("NOT 2"), "1 3");
  EXPECT_EQ(numbers("UID " + std::to_string(one)), "1");
  expunge(one);
  EXPECT_EQ(numbers("SEEN"), "2");  // the client has not heard of it yet
  refresh();
  EXPECT_EQ(numbers("ALL"), "1 2");
  EXPECT_EQ(numbers("SEEN"), "1");
}

// imap-imaptest, search-addresses
class SearchAddressesTest : public SearchTest {
 protected:
  SearchAddressesTest() {
    add_all({"From: user-from@domain.org\nTo: user-to@domain.org\nCc: user-cc@domain.org\nBcc: user-bcc@domain.org\n\nbody\n",
             "From: RealFrom <user-from@domain.org>\nTo: RealTo <user-to@domain.org>\nCc: RealCc <user-cc@domain.org>\n"
             "Bcc: RealBcc <user-bcc@domain.org>\n\nbody2\n",
             "From: <user-from (comment)@ (comment) domain.org>\nTo: <user-to@domain.org>\nCc: <user-cc@domain.org>\n"
             "Bcc: <user-bcc@domain.org>\n\nbody3\n",
             "From: user-from@domain.org (RealFrom)\nTo: user-to@domain.org (RealTo)\nCc: user-cc@domain.org (RealCc)\n"
             "Bcc: user-bcc@domain.org (RealBcc)\n\nbody4\n",
             "From: user-from1@domain.org, user-from2@domain.org\nCc: user-cc@domain.org\n\nbody5\n",
             "From: RealFrom <user-from@domain.org>\nTo: groupname: groupuser1@domain.org, groupuser2@domain.org;,\n"
             "  groupname2: groupuser3@domain.org;\n\nbody6\n",
             "From: RealFrom <user-from@domain.org>\nTo: groupname:;\n\nbody7\n"});
  }
};

TEST_F(SearchAddressesTest, Addresses_NamesPartsAndGroups) {
  const std::pair<const char*, const char*> cases[] = {
      {"from user-from@domain.org", "1 2 3 4 6 7"},
      {"to user-to@domain.org", "1 2 3 4"},
      {"cc user-cc@domain.org", "1 2 3 4 5"},
      {"bcc user-bcc@domain.org", "1 2 3 4"},
      {"from realfrom", "2 4 6 7"},
      {"to realto", "2 4"},
      {"cc realcc", "2 4"},
      {"bcc realbcc", "2 4"},
      {"header from \"\"", "1 2 3 4 5 6 7"},
      {"header to \"\"", "1 2 3 4 6 7"},
      {"header cc \"\"", "1 2 3 4 5"},
      {"header bcc \"\"", "1 2 3 4"},
      {"from ser-fro", "1 2 3 4 5 6 7"},
      {"to ser-t", "1 2 3 4"},
      {"cc ser-c", "1 2 3 4 5"},
      {"bcc ser-bc", "1 2 3 4"},
      {"from ealfro", "2 4 6 7"},
      {"to ealt", "2 4"},
      {"cc ealc", "2 4"},
      {"bcc ealbc", "2 4"},
      {"from user-from1", "5"},
      {"from user-from2", "5"},
      {"to groupname", "6 7"},
      {"to groupname2", "6"},
      {"to groupuser1", "6"},
      {"to groupuser2", "6"},
      {"to groupuser3", "6"},
      {"to groupuser4", ""},
      {"to \"\"", "1 2 3 4 6 7"},
      {"bcc \"\"", "1 2 3 4"},
      {"header from comment", "3"},
      {"header to \"groupname2: g\"", "6"},
  };
  for (const auto& [keys, expected] : cases) EXPECT_EQ(numbers(keys), expected) << keys;
}

TEST(AddressText, AsAPersonWouldWriteIt) {
  const auto text = [](std::string_view field) { return address_text(message::parse_envelope_addresses(field)); };
  EXPECT_EQ(text("=?utf-8?q?J=C3=B6rg?= Meier <j@a.test>, b@b.test"), "Jörg Meier <j@a.test>, b@b.test");
  EXPECT_EQ(text("friends: a@a.test, B <b@b.test>;, c@c.test"), "friends: a@a.test, B <b@b.test>;, c@c.test");
  EXPECT_EQ(text("nobody:;"), "nobody: ;");
}

TEST_F(SearchTest, SentDates_AreTheWritersOwnDays) {  // imap-imaptest, search-date
  for (const char* date : {"Sat, 24 Mar 2007 23:00:00 +0200", "Sun, 25 Mar 2007 00:00:00 +0200", "Sun, 25 Mar 2007 01:00:00 +0200",
                           "Sun, 25 Mar 2007 02:00:00 +0200", "Sun, 25 Mar 2007 04:00:00 +0300", "Sun, 25 Mar 2007 23:00:00 +0300",
                           "Mon, 26 Mar 2007 00:00:00 +0300", "Sat, 27 Oct 2007 03:00:00 +0300", "Sun, 28 Oct 2007 00:00:00 +0300",
                           "Sun, 28 Oct 2007 01:00:00 +0300", "Sun, 28 Oct 2007 02:00:00 +0300", "Sun, 28 Oct 2007 03:00:00 +0300",
                           "Sun, 28 Oct 2007 03:00:00 +0200", "Sun, 28 Oct 2007 04:00:00 +0200", "Sun, 28 Oct 2007 23:00:00 +0200",
                           "Mon, 29 Oct 2007 00:00:00 +0200"}) {
    add("Date: " + std::string(date) + "\n\nbody\n");
  }
  add("Subject: no date\n\nbody\n");
  add("Date: yesterday\n\nbody\n");
  refresh();
  const std::pair<const char*, const char*> cases[] = {
      {"sentbefore 24-mar-2007", ""},
      {"sentbefore 25-mar-2007", "1"},
      {"sentbefore 26-mar-2007", "1 2 3 4 5 6"},
      {"sentbefore 27-mar-2007", "1 2 3 4 5 6 7"},
      {"senton 23-mar-2007", ""},
      {"senton 24-mar-2007", "1"},
      {"senton 25-mar-2007", "2 3 4 5 6"},
      {"senton 26-mar-2007", "7"},
      {"1:7 sentsince 24-mar-2007", "1 2 3 4 5 6 7"},
      {"1:7 sentsince 25-mar-2007", "2 3 4 5 6 7"},
      {"1:7 sentsince 26-mar-2007", "7"},
      {"1:7 sentsince 27-mar-2007", ""},
      {"8:* sentbefore 27-oct-2007", ""},
      {"8:* sentbefore 28-oct-2007", "8"},
      {"8:* sentbefore 29-oct-2007", "8 9 10 11 12 13 14 15"},
      {"8:* sentbefore 30-oct-2007", "8 9 10 11 12 13 14 15 16"},
      {"8:* senton 26-oct-2007", ""},
      {"8:* senton 27-oct-2007", "8"},
      {"8:* senton 28-oct-2007", "9 10 11 12 13 14 15"},
      {"8:* senton 29-oct-2007", "16"},
      {"8:* sentsince 29-oct-2007", "16"},
      {"8:* sentsince 30-oct-2007", ""},
      {"1:7 not sentbefore 26-mar-2007", "7"},
      {"1:7 not senton 25-mar-2007", "1 7"},
      {"8:16 not sentsince 28-oct-2007", "8"},
      {"8:16 not senton 28-oct-2007", "8 16"},
      {"17:18 sentsince 1-jan-1970", ""},
  };
  for (const auto& [keys, expected] : cases) EXPECT_EQ(numbers(keys), expected) << keys;
}

TEST_F(SearchTest, Subject_DecodedWordsWhateverTheCase) {
  add_all({"Subject: =?iso-8859-1?Q?Gr=FC=DFe?= aus =?utf-8?B?S8O2bG4=?=\n\n",
           "Subject: =?koi8-r?B?z9TQ1dPL?=\n\n",  // отпуск
           "Subject: split =?utf-8?q?wo?=\n =?utf-8?q?rd?=\n\n", "From: a@b.test\n\n", "Subject:\n\n"});
  EXPECT_EQ(numbers("SUBJECT " + literal("Grüß")), "1");
  EXPECT_EQ(numbers("SUBJECT " + literal("KÖLN")), "1");
  EXPECT_EQ(numbers("CHARSET UTF-8 SUBJECT " + literal("ОТПУСК")), "2");
  EXPECT_EQ(numbers("CHARSET KOI8-R SUBJECT " + literal("\xcf\xd4\xd0\xd5\xd3\xcb")), "2");
  EXPECT_EQ(numbers("SUBJECT \"split word\""), "3");
  EXPECT_EQ(numbers("SUBJECT \"iso-8859\""), "");
  EXPECT_EQ(numbers("SUBJECT \"\""), "1 2 3 5");
  EXPECT_EQ(numbers("NOT SUBJECT \"\""), "4");
  EXPECT_EQ(numbers("HEADER Subject AUS"), "1");
  EXPECT_EQ(numbers("CHARSET X-NONE SUBJECT a"), "error");
}

TEST_F(SearchTest, Header_AnyFieldAnyOfItsOccurrences) {
  add_all({"Received: from one\nReceived: from two\nList-Id: <list.a.test>\nX-Folded: a\n b\n\tc\nMessage-ID: <1@a.test>\n\nX-Body: no\n",
           "x-folded : d\n\n", "X-Encoded: =?utf-8?q?=C3=84pfel?=\nX-Empty:\n\n", "\nX-Folded: in the body\n",
           "no field\nX-Late: still found\n\n", "X-No-End: of the header"});
  EXPECT_EQ(numbers("HEADER received TWO"), "1");
  EXPECT_EQ(numbers("HEADER list-id a.test"), "1");
  EXPECT_EQ(numbers("HEADER X-Folded \"a b\""), "1");
  EXPECT_EQ(numbers("HEADER X-Folded \"\""), "1 2");
  EXPECT_EQ(numbers("HEADER X-Body \"\""), "");
  EXPECT_EQ(numbers("HEADER X-Encoded " + literal("äpfe")), "3");
  EXPECT_EQ(numbers("HEADER X-Empty \"\""), "3");
  EXPECT_EQ(numbers("HEADER X-Empty x"), "");
  EXPECT_EQ(numbers("HEADER X-Late found"), "5");
  EXPECT_EQ(numbers("HEADER X-No-End of"), "6");
  EXPECT_EQ(numbers("HEADER Message-ID <1@a.test>"), "1");
  EXPECT_EQ(numbers("OR HEADER Message-ID <2@a.test> HEADER Message-ID 1@a"), "1");
  EXPECT_EQ(numbers("NOT HEADER X-Folded d"), "1 3 4 5 6");
}

constexpr std::string_view kMultipart =
    "Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n"
    "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\nContent-Description: mimefield\n\n"
    "Gr=FC=DFe und soft=\nbreak\n--b\n"
    "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPGI+w4RwZmVsPC9iPg==\n--b\n"
    "Content-Type: application/octet-stream\n\nbinarysecret\n--b\n"
    "Content-Type: message/rfc822\n\nSubject: innersubject\nContent-Type: text/plain\n\ninnerbody\n--b--\nepilogue\n";

TEST_F(SearchTest, Body_TextPartsDecodedAndNoFields) {
  add_all({std::string(kMultipart), "Subject: plain\n\nJust text, ÄÖÜ raw\n", "Subject: empty\n\n", ""});
  EXPECT_EQ(numbers("BODY " + literal("grüße")), "1");
  EXPECT_EQ(numbers("BODY softbreak"), "1");
  EXPECT_EQ(numbers("BODY " + literal("äpfel")), "1");
  EXPECT_EQ(numbers("BODY innerbody"), "1");
  EXPECT_EQ(numbers("BODY innersubject"), "");
  EXPECT_EQ(numbers("BODY mimefield"), "");
  EXPECT_EQ(numbers("BODY binarysecret"), "");
  EXPECT_EQ(numbers("BODY outer"), "");
  EXPECT_EQ(numbers("BODY " + literal("äöü")), "2");
  EXPECT_EQ(numbers("BODY \"\""), "1 2 3 4");
  EXPECT_EQ(numbers("NOT BODY text"), "1 3 4");
  EXPECT_EQ(numbers("OR BODY innerbody BODY \"just text\""), "1 2");
  EXPECT_EQ(numbers("BODY innerbody BODY softbreak"), "1");
  EXPECT_EQ(numbers("BODY innerbody NOT BODY softbreak"), "");
  EXPECT_EQ(numbers("BODY \"breakb\""), "");  // parts do not touch
}

TEST_F(SearchTest, Text_HasFieldsOfAllHeadersToo) {
  add_all({std::string(kMultipart), "Subject: =?utf-8?q?=C3=84pfel?=\n\nplain\n"});
  EXPECT_EQ(numbers("TEXT innersubject"), "1");
  EXPECT_EQ(numbers("TEXT mimefield"), "1");
  EXPECT_EQ(numbers("TEXT \"subject: outer\""), "1");
  EXPECT_EQ(numbers("TEXT softbreak"), "1");
  EXPECT_EQ(numbers("TEXT " + literal("äpfel")), "1 2");
  EXPECT_EQ(numbers("TEXT binarysecret"), "");
  EXPECT_EQ(numbers("TEXT plain HEADER Subject \"\" NOT TEXT multipart"), "2");
  EXPECT_EQ(numbers("OR HEADER X-None a TEXT innerbody"), "1");
}

TEST_F(SearchTest, LongText_IsFoundAcrossPieces) {
  std::string text = "Subject: long\n\n";
  while (text.size() < 65'520) text += "0123456789abcdef\n";
  text.resize(65'520);
  std::string cut = text + "needleacrosstheedge and more\n";
  std::string base64 = "Content-Transfer-Encoding: base64\n\n";
  for (int i = 0; i < 3'000; ++i) base64 += "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
  base64 += "bmVlZGxl\n";  // needle
  add_all({cut, base64, text});
  EXPECT_EQ(numbers("BODY needleacrosstheedge"), "1");
  EXPECT_EQ(numbers("BODY needle"), "1 2");
  EXPECT_EQ(numbers("TEXT needle"), "1 2");
  EXPECT_EQ(numbers("HEADER Subject needle"), "");
}

TEST_F(SearchTest, UnreadableMessage_MatchesNothingAndTheOthersGoOn) {
  add("Subject: one\n\nbody\n");
  add("Subject: two\n\nbody\n");
  blobs.damage_blob(last_blob);
  add("Subject: three\n\nbody\n");
  refresh();
  EXPECT_EQ(numbers("BODY body"), "1 3");
  EXPECT_EQ(numbers("NOT BODY nothing"), "1 3");
  EXPECT_EQ(numbers("HEADER X-Y z"), "");
  EXPECT_EQ(numbers("NOT SUBJECT nothing"), "1 3");
  EXPECT_EQ(numbers("OR ALL SUBJECT one"), "1 2 3");
  EXPECT_EQ(numbers("OR UNSEEN SUBJECT one"), "1 2 3");
}

TEST_F(SearchTest, Modseq_ComesWithWhatWasFound) {  // RFC 7162 3.1.5
  const auto one = add("Subject: a\n\n");
  const auto two = add("Subject: b\n\n");
  add("Subject: c\n\n");
  change_flags(one, {mailbox::FlagChange::How::add, mailbox::kSeen, {}});
  refresh();
  const auto found = run("SEARCH MODSEQ " + std::to_string(info(two).modseq));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of(found->uids), "1 2 3");
  EXPECT_TRUE(found->used_modseq);
  EXPECT_EQ(found->highest_modseq, info(one).modseq);
  EXPECT_EQ(found->modseqs.size(), 3u);
  EXPECT_EQ(found->modseqs[0], info(one).modseq);
  const auto all = run("SEARCH OR ALL MODSEQ 1");
  EXPECT_EQ(all->highest_modseq, info(one).modseq);
  EXPECT_FALSE(run("SEARCH ALL")->used_modseq);
}

TEST_F(SearchTest, ObjectIds_FindTheirMessages) {  // RFC 8474
  const auto one = add("Subject: a\n\n");
  add("Subject: b\n\n");
  refresh();
  const auto id = std::to_string(info(one).email);
  EXPECT_EQ(numbers("EMAILID M" + id), "1");
  EXPECT_EQ(numbers("THREADID T" + id), "1");
  EXPECT_EQ(numbers("NOT THREADID T" + id), "2");
  EXPECT_EQ(numbers("EMAILID M999"), "");
}

TEST_F(SearchTest, Saved_StandsForItsUids) {  // RFC 5182 2.2
  const auto one = add("Subject: a\n\n");
  const auto two = add("Subject: b\n\n");
  add("Subject: c\n\n");
  expunge(one);
  refresh();
  saved.add(two);
  EXPECT_EQ(numbers("$"), "1");
  EXPECT_EQ(numbers("UID $ SMALLER 4096"), "1");
  EXPECT_EQ(numbers("OR $ 2"), "1 2");
}

TEST_F(SearchTest, FirstAlone_EndsTheSearch) {
  for (int i = 0; i < 5; ++i) add("Subject: " + std::to_string(i) + "\n\nbody\n");
  refresh();
  Searching where = searching();
  where.first_alone = true;
  EXPECT_EQ(text_of(loop.run(search(where, parse("SEARCH NOT SUBJECT 0")->key, ""))->uids), "2");
  EXPECT_EQ(text_of(loop.run(search(where, parse("SEARCH ALL")->key, ""))->uids), "1");
}

TEST_F(SearchTest, Stop_EndsTheSearch) {
  for (int i = 0; i < 3; ++i) add("Subject: a\n\nbody\n");
  refresh();
  stop = [] { return true; };
  const auto found = run("SEARCH BODY x");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().cause, Error::Cause::cancelled);
}

TEST_F(SearchTest, Turns_OthersRunWhileItSearches) {
  std::string large = "Subject: a\n\n";
  while (large.size() < 8u << 20) large += "some text that is not what is looked for\n";
  add(large);
  refresh();
  int asked = 0;
  stop = [&] { return ++asked < 0; };
  EXPECT_EQ(numbers("BODY other"), "");
  EXPECT_GE(asked, 8);
}

TEST_F(SearchTest, ManyKeys_AreEachLookedFor) {
  add_all({"Subject: one\n\nalpha beta gamma\n", "Subject: two\n\nalpha\n"});
  std::string found, lost;
  for (int i = 0; i < 500; ++i) found += i % 2 ? "BODY alpha " : "TEXT subject ";
  EXPECT_EQ(numbers(found + "TEXT one"), "1");
  EXPECT_EQ(numbers(found + "BODY beta HEADER Subject \"\""), "1");
  for (int i = 0; i < 100; ++i) lost += "OR TEXT nothing" + std::to_string(i) + " ";
  EXPECT_EQ(numbers(lost + "BODY gamma"), "1");
  EXPECT_EQ(numbers("NOT " + lost + "BODY gamma"), "2");
}

TEST_F(SearchTest, MailboxGone_IsAnError) {
  add("Subject: a\n\nbody\n");
  refresh();
  Searching where{.mailboxes = *mailboxes, .blobs = blobs, .account = kAccount, .mailbox = 4711, .view = view, .keywords = keywords};
  const auto found = loop.run(search(std::move(where), parse("SEARCH SEEN")->key, ""));
  EXPECT_TRUE(!found.has_value() || found->uids.empty());
}

TEST_F(SearchTest, Headings_AreRememberedButNotWhatChanges) {
  const auto one = add("Subject: Apple pie\nDate: 1 Jan 2001 23:30:00 -0800\nMessage-ID: <One@test>\n\n");
  add("Subject: apple\nMessage-ID: <two@test>\n\n");
  refresh();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(numbers("SUBJECT APPLE"), "1 2");
    EXPECT_EQ(numbers("NOT SUBJECT pie"), "2");
    EXPECT_EQ(numbers("OR 2 SUBJECT pie"), "1 2");
    EXPECT_EQ(numbers("SENTON 1-Jan-2001"), "1");
    EXPECT_EQ(numbers("HEADER Message-ID one@"), "1");
    EXPECT_EQ(numbers("SEEN SUBJECT apple"), i == 0 ? "" : "1");
    mailbox::FlagChange seen;
    seen.how = mailbox::FlagChange::How::add;
    seen.flags = mailbox::kSeen;
    change_flags(one, std::move(seen));
  }
  add("Subject: apples\n\n");
  refresh();
  EXPECT_EQ(numbers("SUBJECT apple"), "1 2 3");
  EXPECT_EQ(numbers("UNSEEN SUBJECT apple"), "2 3");
  expunge(one);
  EXPECT_EQ(numbers("SUBJECT apple"), "2 3");
}

TEST_F(SearchTest, LongSubject_IsSearchedWhole) {
  add("Subject: " + std::string(3'000, 'x') + " needle\nMessage-ID: <a@b>\n\n");
  add("Subject: needle\n\n");
  add("Subject: " + std::string(3'000, 'x') + " needle\n\n");
  blobs.damage_blob(last_blob);
  refresh();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(numbers("SUBJECT needle"), "1 2");
    EXPECT_EQ(numbers("SUBJECT needle UNSEEN"), "1 2");
    EXPECT_EQ(numbers("HEADER Message-ID a@b"), "1");
    EXPECT_EQ(numbers("OR 3 SUBJECT needle"), "1 2 3");
  }
}

}  // namespace
}  // namespace godwit::imapd
