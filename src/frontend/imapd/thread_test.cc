#include "frontend/imapd/thread.h"

#include <gtest/gtest.h>

#include "frontend/imapd/search_fixture.h"

namespace godwit::imapd {
namespace {

WallTime at(std::string_view text) { return WallTime(imap::parse_date_time(text).value().time); }

class ThreadTest : public ::testing::Test, protected SearchBox {
 protected:
  mailbox::Uid add_at(std::string_view received, std::string bytes) { return add_mail({std::move(bytes), at(received), 0, {}}); }
};

TEST_F(ThreadTest, OrderedSubject_ByBaseSubjectThenDate) {  // imap-imaptest, thread-orderedsubject2
  add_at("22-Feb-2008 23:00:01 +0200", "Subject: a\nDate: Fri, 22 Feb 2008 22:00:10 +0200\n\n1\n");
  add_at("22-Feb-2008 23:00:02 +0200", "Date: Fri, 22 Feb 2008 22:00:09 +0200\nSubject: b\n\n2\n");
  add_at("22-Feb-2008 23:00:03 +0200", "Date: Fri, 22 Feb 2008 22:00:08 +0200\nSubject: a\n\n3\n");
  add_at("22-Feb-2008 23:00:04 +0200", "Date: Fri, 22 Feb 2008 22:00:07 +0200\nSubject: b\n\n4\n");
  add_at("22-Feb-2008 22:00:30 +0200", "Subject: a\n\n5\n");
  add_at("22-Feb-2008 22:00:29 +0200", "Subject: b\n\n6\n");
  add_at("22-Feb-2008 22:00:28 +0200", "Subject: a\n\n7\n");
  add_at("22-Feb-2008 22:00:27 +0200", "Subject: b\n\n8\n");
  refresh();
  EXPECT_EQ(threads("THREAD ORDEREDSUBJECT US-ASCII ALL"), "(4 (2)(8)(6))(3 (1)(7)(5))");
  EXPECT_EQ(threads("THREAD ORDEREDSUBJECT US-ASCII SUBJECT nothing"), "");
}

TEST_F(ThreadTest, OrderedSubject_BaseSubjectsOfManyForms) {  // imap-imaptest, thread-orderedsubject
  for (const char* subject :
       {"Subject: a\n", "Subject: C\n", "Subject: b\n", "Subject: _\n", "Subject: [foo] Fwd: [bar] Re: fw: b (fWd)  (fwd)\n",
        "Subject: b (a)\n", "Subject: Re: [FWD: c]\n", "Subject: [xyz]\n", "", "Subject: =?iso-8859-1?q?_?=\n",
        "Subject: Re: =?utf-8?q?b?=\n", "Subject: =?iso-8859-1?q?RE:_C?=\n", "Subject: =?us-ascii?b?UmU6IGM=?=\n",
        "Subject: Ad: Re: Ad: Re: Ad: x\n", "Subject: re: [fwd: [fwd: re: [fwd: babylon]]]\n"}) {
    add_at("22-Feb-2008 23:00:00 +0200", std::string(subject) + "\nbody\n");
  }
  refresh();
  EXPECT_EQ(threads("THREAD ORDEREDSUBJECT US-ASCII ALL"), "(1)(2 (7)(12)(13))(3 (5)(11))(4)(6)(8)(9 10)(14)(15)");
}

TEST_F(ThreadTest, References_SameIdAndMissingParent) {  // imap-imaptest, thread3 and thread4
  add_at("22-Feb-2008 15:06:23 +0000", "Message-Id: <a@b>\nSubject: foo\n\nbody\n");
  add_at("22-Feb-2008 15:06:24 +0000", "Message-Id: <a@b>\nSubject: Re: foo\n\nbody\n");
  add_at("22-Feb-2008 15:06:25 +0000", "Message-Id: <b@b>\nReferences: <c@b>\nSubject: Re: foo\n\nbody\n");
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES US-ASCII 1:2"), "(1 2)");
  EXPECT_EQ(threads("THREAD REFERENCES US-ASCII 1,3"), "(1 3)");
}

TEST_F(ThreadTest, References_CommonParentThatIsNotHere) {  // imap-imaptest, thread6
  add_at("22-Feb-2008 15:06:23 +0000", "References: <a@b>\n\nbody\n");
  add_at("22-Feb-2008 15:06:24 +0000", "References: <a@b>\n\nbody\n");
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES US-ASCII ALL"), "((1)(2))");
}

TEST_F(ThreadTest, References_DuplicateAndExpungedMessages) {  // imap-imaptest, thread7
  add_at("22-Feb-2008 15:06:23 +0000", "Message-Id: <a@b>\n\nbody1\n");
  const auto two = add_at("22-Feb-2008 15:06:23 +0000", "Message-Id: <b@b>\nReferences: <a@b>\n\nbody2\n");
  add_at("22-Feb-2008 15:06:23 +0000", "Message-Id: <c@b>\nReferences: <b@b>\n\nbody3\n");
  add_at("22-Feb-2008 15:06:23 +0000", "Message-Id: <b@b>\nReferences: <a@b>\n\nbody4 (2 duplicate)\n");
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES US-ASCII ALL"), "(1 (2 3)(4))");
  expunge(two);
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES US-ASCII ALL"), "(1 3 2)");
  EXPECT_EQ(threads("UID THREAD REFERENCES US-ASCII ALL"), "(1 4 3)");
}

TEST_F(ThreadTest, References_ByInReplyToAndSubject) {
  add_at("22-Feb-2008 15:06:20 +0000", "Message-ID: <a@b>\nSubject: plan\n\n");
  add_at("22-Feb-2008 15:06:21 +0000", "Message-ID: <\"b\"@b>\nIn-Reply-To: your mail <a@b> of today\n\n");
  add_at("22-Feb-2008 15:06:22 +0000", "References: <b@b>\n\n");
  add_at("22-Feb-2008 15:06:23 +0000", "Subject: Re: Plan\n\n");
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES UTF-8 ALL"), "(1 (2 3)(4))");
  EXPECT_EQ(threads("THREAD REFERENCES UTF-8 2:4"), "(2 3)(4)");
}

TEST_F(ThreadTest, Unreadable_IsAThreadOfItsOwn) {
  add_at("22-Feb-2008 15:06:20 +0000", "Message-ID: <a@b>\n\n");
  add_at("22-Feb-2008 15:06:21 +0000", "References: <a@b>\n\n");
  blobs.damage_blob(last_blob);
  refresh();
  EXPECT_EQ(threads("THREAD REFERENCES UTF-8 ALL"), "(1)(2)");
}

TEST_F(ThreadTest, ManyReferences_CountAll) {
  std::string many = "References:";
  for (int i = 0; i < 400; ++i) many += "\n <" + std::to_string(i) + "@a>";
  add_at("22-Feb-2008 15:06:20 +0000", "Message-ID: <0@a>\n\n");
  add_at("22-Feb-2008 15:06:21 +0000", many + "\n\n");
  add_at("22-Feb-2008 15:06:22 +0000", "Message-ID: <399@a>\n\n");
  add_at("22-Feb-2008 15:06:23 +0000", "References: <200@a>\n\n");
  refresh();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(threads("THREAD REFERENCES UTF-8 ALL"), "(1 4)(3 2)");
}

}  // namespace
}  // namespace godwit::imapd
