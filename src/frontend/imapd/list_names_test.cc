#include "frontend/imapd/list_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::imapd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using imap::List;
using mailbox::SpecialUse;

class ListNames : public ::testing::Test {
 protected:
  void mailbox(std::string name, SpecialUse use = SpecialUse::none) {
    mailbox::Mailbox made;
    made.number = folders_.mailboxes.size() + 1;
    made.name = std::move(name);
    made.special_use = use;
    folders_.mailboxes.push_back(std::move(made));
  }
  void subscribe(std::string name) { folders_.subscriptions.push_back(std::move(name)); }

  // Lines as LIST says them: "(\HasChildren) name", "+" where CHILDINFO goes with it.
  std::vector<std::string> list(const std::vector<std::string>& patterns, const std::string& reference = "") {
    std::vector<imap::ListPattern> parsed;
    for (const auto& each : patterns) parsed.push_back(imap::ListPattern::create(reference, each).value());
    std::vector<std::string> lines;
    for (const auto& each : list_names(folders_, command_, parsed)) {
      const bool child_info = command_.recursive_match && each.child_subscribed;
      lines.push_back(list_attributes(each, command_, rev2_) + ' ' + each.name + (child_info ? " +" : ""));
    }
    return lines;
  }

  mailbox::Folders folders_;
  List command_;
  bool rev2_ = false;
};

TEST_F(ListNames, All_InboxFirst) {
  mailbox("INBOX");
  mailbox("Archive", SpecialUse::archive);
  mailbox("ENTWURF", SpecialUse::drafts);
  EXPECT_THAT(list({"*"}),
              ElementsAre("(\\HasNoChildren) INBOX", "(\\HasNoChildren \\Archive) Archive", "(\\HasNoChildren \\Drafts) ENTWURF"));
  EXPECT_THAT(list({"inb*", "E%"}), ElementsAre("(\\HasNoChildren) INBOX", "(\\HasNoChildren \\Drafts) ENTWURF"));
  EXPECT_THAT(list({"nothing"}), IsEmpty());
}

// RFC 9051 6.3.9: a level that is no mailbox is listed where it has some below it.
TEST_F(ListNames, LevelsThatAreNoMailbox) {
  mailbox("INBOX");
  mailbox("a/b/c");
  EXPECT_THAT(list({"%"}), ElementsAre("(\\HasNoChildren) INBOX", "(\\Noselect \\HasChildren) a"));
  EXPECT_THAT(list({"a/%"}), ElementsAre("(\\Noselect \\HasChildren) a/b"));
  EXPECT_THAT(list({"%/%"}, "a/"), ElementsAre("(\\HasNoChildren) a/b/c"));
  rev2_ = true;
  EXPECT_THAT(list({"a*"}), ElementsAre("(\\NonExistent \\HasChildren) a", "(\\NonExistent \\HasChildren) a/b", "(\\HasNoChildren) a/b/c"));
  rev2_ = false;
  command_.extended = true;
  EXPECT_THAT(list({"a"}), ElementsAre("(\\NonExistent \\HasChildren) a"));
}

TEST_F(ListNames, TwoPatterns_NameOnce) {
  mailbox("INBOX");
  mailbox("Sent", SpecialUse::sent);
  EXPECT_THAT(list({"*", "S*"}), ElementsAre("(\\HasNoChildren) INBOX", "(\\HasNoChildren \\Sent) Sent"));
}

// RFC 3501 6.3.9: names that are subscribed, mailboxes or not; where % hides one the level above stands in.
TEST_F(ListNames, Lsub) {
  command_.form = List::Form::lsub;
  mailbox("INBOX");
  mailbox("a");
  mailbox("a/b");
  mailbox("z");
  subscribe("INBOX");
  subscribe("a/b");
  subscribe("gone");
  EXPECT_THAT(list({"*"}), ElementsAre("() INBOX", "() a/b", "() gone"));
  EXPECT_THAT(list({"%"}), ElementsAre("() INBOX", "(\\Noselect) a", "() gone"));
}

// RFC 5258 3.1: SUBSCRIBED as a choice
TEST_F(ListNames, ExtendedSubscribed) {
  command_.extended = true;
  command_.select_subscribed = true;
  mailbox("INBOX");
  mailbox("a");
  mailbox("a/b");
  subscribe("INBOX");
  subscribe("gone/below");
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasNoChildren \\Subscribed) INBOX", "(\\NonExistent \\HasNoChildren \\Subscribed) gone/below"));
  EXPECT_THAT(list({"%"}), ElementsAre("(\\HasNoChildren \\Subscribed) INBOX"));
}

// RFC 5258 3.5, example 9: the level above is told with CHILDINFO where the pattern hides what is below it.
TEST_F(ListNames, RecursiveMatch_TellsOfWhatIsBelow) {
  command_.extended = true;
  command_.select_subscribed = command_.recursive_match = true;
  mailbox("INBOX");
  mailbox("foo");
  mailbox("foo/bar");
  mailbox("other");
  subscribe("foo/bar");
  EXPECT_THAT(list({"%"}), ElementsAre("(\\HasChildren) foo +"));
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasNoChildren \\Subscribed) foo/bar"));
}

TEST_F(ListNames, ReturnSubscribed_ShowsAllAndMarks) {
  command_.extended = true;
  command_.return_subscribed = true;
  mailbox("INBOX");
  mailbox("a");
  subscribe("a");
  subscribe("gone");
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasNoChildren) INBOX", "(\\HasNoChildren \\Subscribed) a"));
}

// RFC 6154 5.2
TEST_F(ListNames, SpecialUseAlone) {
  command_.extended = true;
  command_.select_special_use = true;
  mailbox("INBOX");
  mailbox("Trash/old");
  mailbox("Trash", SpecialUse::trash);
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasChildren \\Trash) Trash"));
}

TEST_F(ListNames, Xlist_NamesInbox) {
  command_.form = List::Form::xlist;
  mailbox("INBOX");
  mailbox("Junk", SpecialUse::junk);
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasNoChildren \\Inbox) INBOX", "(\\HasNoChildren \\Junk) Junk"));
}

TEST_F(ListNames, BelowInbox) {
  mailbox("INBOX");
  mailbox("INBOX/lists");
  EXPECT_THAT(list({"*"}), ElementsAre("(\\HasChildren) INBOX", "(\\HasNoChildren) INBOX/lists"));
  EXPECT_THAT(list({"%"}), ElementsAre("(\\HasChildren) INBOX"));
  EXPECT_THAT(list({"inbox/%"}), ElementsAre("(\\HasNoChildren) INBOX/lists"));
}

TEST_F(ListNames, ManyLevels_AreAllThere) {
  std::string name = "a";
  for (int i = 0; i < 63; ++i) name += "/a";
  mailbox(name);
  EXPECT_EQ(list({"*"}).size(), 64u);
  EXPECT_EQ(list({"%"}).size(), 1u);
}

}  // namespace
}  // namespace godwit::imapd
