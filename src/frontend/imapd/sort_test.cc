#include "frontend/imapd/sort.h"

#include <gtest/gtest.h>

#include "frontend/imapd/search_fixture.h"

namespace godwit::imapd {
namespace {

WallTime at(std::string_view text) { return WallTime(imap::parse_date_time(text).value().time); }

class SortTest : public ::testing::Test, protected SearchBox {
 protected:
  void add_at(std::string_view received, std::string bytes) { add_mail({std::move(bytes), at(received), 0, {}}); }
  void expect_orders(const std::vector<std::pair<std::string, std::string>>& cases) {
    refresh();
    for (const auto& [criteria, expected] : cases) EXPECT_EQ(sorted("SORT " + criteria + " US-ASCII ALL"), expected) << criteria;
  }
};

TEST_F(SortTest, Date_InUtcWithTheInternalDateForThoseWithout) {  // imap-imaptest, sort-date
  add_at("22-Feb-2008 23:00:00 +0200", "Date: Fri, 22 Feb 2008 00:00:00 +0200\n\n1\n");
  add_at("22-Feb-2008 22:00:00 +0200", "Date: Fri, 22 Feb 2008 02:00:00 +0200\n\n2\n");
  add_at("22-Feb-2008 21:00:00 +0200", "Date: Fri, 22 Feb 2008 01:00:00 +0200\n\n33\n");
  add_at("22-Feb-2008 20:00:00 +0200", "Date: Fri, 22 Feb 2008 02:00:00 +0200\n\n44\n");
  add_at("22-Feb-2008 01:30:23 +0200", "Subject: foo\n\n55555\n");
  add_at("22-Feb-2008 18:00:00 +0200", "Date: Fri, 22 Feb 2008 02:00:00 +0200\n\n6666\n");
  add_at("22-Feb-2008 01:00:00 +0200", "Subject: foo bar foo bar foo bar fooo\n\n777\n");
  expect_orders({{"(date)", "1 3 7 5 2 4 6"}, {"(reverse date)", "2 4 6 5 3 7 1"}, {"(date reverse size)", "1 7 3 5 6 4 2"}});
}

TEST_F(SortTest, Date_AcrossZones) {  // RFC 5256 2.2
  add("Date: 31 Dec 2000 16:01:33 -0800\n\n");
  add("Date: 1 Jan 2001 00:01:32 +0000\n\n");
  add("Date: Mon, 1 Jan 2001 00:01:34 XYZ\n\n");
  expect_orders({{"(DATE)", "2 1 3"}});
}

TEST_F(SortTest, Addresses_ByTheFirstMailbox) {  // imap-imaptest, sort-addresses
  add_at("22-Feb-2008 00:06:23 +0000", "From: user2@domain2.org\nTo: foo bar <user2@domain2.org>\nCc: user2@domain2.org (foo bar)\n\n1\n");
  add_at("22-Feb-2008 01:06:23 +0000", "From: user2@domain1.org\nTo: user2@domain1.org\nCc: user2: blah@domain1.org;\n\n2\n");
  add_at("22-Feb-2008 02:06:23 +0000", "From: user1@domain1.org\nTo: user1@domain1.org\nCc: user1@domain1.org\n\n3\n");
  expect_orders({{"(from)", "3 1 2"},
                 {"(to)", "3 1 2"},
                 {"(cc)", "3 1 2"},
                 {"(reverse from)", "1 2 3"},
                 {"(reverse to)", "1 2 3"},
                 {"(reverse cc)", "1 2 3"},
                 {"(from reverse arrival)", "3 2 1"},
                 {"(to reverse arrival)", "3 2 1"},
                 {"(cc reverse arrival)", "3 2 1"}});
}

TEST_F(SortTest, Display_NamesThenAddresses) {  // imap-imaptest, sort-display-from; RFC 5957 3
  add("From: foo bar <a@b.c>\nTo: z\n\n1\n");
  add("From: b@c.d\n\n2\n");
  add("From: d\nTo: Y <a@a.test>\n\n3\n");
  add("From: =?iso-8859-1?q?foo_aar?= <e@f.g>\nTo: x@a.test\n\n4\n");
  add("From: =?iso-8859-1?q?foo_car?= <f@g.h>\nTo: \"\" <w@a.test>\n\n5\n");
  expect_orders({{"(displayfrom)", "2 3 4 1 5"}, {"(reverse displayfrom)", "5 1 4 3 2"}, {"(displayto)", "2 5 4 3 1"}});
}

TEST_F(SortTest, Size_AndTies) {  // imap-imaptest, sort-size
  for (const char* body : {"1\n", "22\n", "333\n", "4\n4\n", "555\n", "66\n", "7\n7\n", "8\n"}) {
    loop.advance(std::chrono::seconds(1));
    add("Date: Sat, 24 Mar 2007 23:00:00 +0200\n\n" + std::string(body));
  }
  expect_orders({{"(size)", "1 8 2 6 3 5 4 7"}, {"(reverse size)", "4 7 3 5 2 6 1 8"}, {"(size reverse arrival)", "8 1 6 2 5 3 7 4"}});
}

TEST_F(SortTest, Subject_ByItsBaseWhateverTheCase) {  // RFC 5256 2.1
  add("Subject: Re: banana\nDate: 2 Jan 2001 00:00:00 +0000\n\n");
  add("Subject: apple\n\n");
  add("Subject: Banana (fwd)\nDate: 1 Jan 2001 00:00:00 +0000\n\n");
  add("Subject: =?utf-8?q?=C3=84pfel?=\n\n");
  add("From: a@b.test\n\n");
  add("Subject: [list] Re: cherry\n\n");
  expect_orders({{"(SUBJECT)", "5 2 4 1 3 6"},
                 {"(SUBJECT DATE)", "5 2 4 3 1 6"},
                 {"(REVERSE SUBJECT)", "6 1 3 4 2 5"},
                 {"(SUBJECT REVERSE SUBJECT REVERSE DATE)", "5 2 4 1 3 6"}});
}

TEST_F(SortTest, LongTexts_AreComparedBeyondTheirHeads) {
  const std::string same(40, 'x');
  add("Subject: " + same + "b\n\n");
  add("Subject: " + same + "\n\n");
  add("Subject: " + same + "a\n\n");
  expect_orders({{"(SUBJECT)", "2 3 1"}, {"(REVERSE SUBJECT)", "1 3 2"}});
}

TEST_F(SortTest, Arrival_IsTheInternalDate) {
  add_at("22-Feb-2008 23:00:00 +0200", "Subject: a\n\n");
  add_at("21-Feb-2008 23:00:00 +0200", "Subject: b\n\n");
  add_at("31-Dec-1969 23:00:00 +0000", "Subject: c\n\n");
  expect_orders({{"(ARRIVAL)", "3 2 1"}, {"(REVERSE ARRIVAL)", "1 2 3"}});
}

TEST_F(SortTest, GoneAndUnreadable_TheRestIsSorted) {
  add("Subject: c\n\n");
  const auto gone = add("Subject: b\n\n");
  add("Subject: z\n\n");
  blobs.damage_blob(last_blob);
  add("Subject: a\n\n");
  refresh();
  expunge(gone);  // the client has not heard of it
  EXPECT_EQ(sorted("SORT (SUBJECT) UTF-8 ALL"), "3 4 1");
  EXPECT_EQ(sorted("SORT (SUBJECT) UTF-8 UNSEEN"), "3 4 1");
  EXPECT_EQ(sorted("SORT (SUBJECT) UTF-8 FLAGGED"), "");
}

TEST_F(SortTest, SecondTime_KnowsWhatCameAndWent) {
  const auto gone = add("Subject: c\n\n");
  add("Subject: b\n\n");
  expect_orders({{"(SUBJECT)", "2 1"}, {"(REVERSE SUBJECT)", "1 2"}});
  add("Subject: a\nDate: 1 Jan 1990 00:00:00 +0000\n\n");
  expect_orders({{"(SUBJECT)", "3 2 1"}, {"(DATE)", "3 1 2"}, {"(REVERSE DATE)", "1 2 3"}});
  expunge(gone);
  expect_orders({{"(SUBJECT)", "2 1"}});
}

}  // namespace
}  // namespace godwit::imapd
