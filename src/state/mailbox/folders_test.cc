#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class FoldersTest : public MailboxFixture {
 protected:
  Result<void> subscribe(std::string name, bool subscribed) { return loop_.run(mailboxes_->subscribe(kAnna, std::move(name), subscribed)); }
  Usage usage() { return loop_.run(mailboxes_->usage(kAnna)).value(); }
  // An account as an earlier release left it: INBOX alone, with one message.
  void make_old_account() {
    settle(kAnna, queued());
    const auto part = directory::partition_of(kAnna);
    store::Batch batch;
    for (const auto& row : engine_.dump(part, Keyspace::mailbox)) {
      const bool is_new = row.key.starts_with(kAllSubscriptions) || (row.key.starts_with(kAllMailboxes) && row.key != mailbox_key(kInbox));
      if (is_new) batch.erase(Keyspace::mailbox, row.key);
      if (row.key != kAccountKey) continue;
      const auto account = decode_account(row.value).value();
      AccountRow old{account.modseq, account.last_email, kInbox, account.emails, account.bytes};
      old.changes = account.changes;
      batch.put(Keyspace::mailbox, row.key, encode(old));
    }
    ASSERT_TRUE(loop_.run(engine_.write(part, std::move(batch))).ok());
    open();
    ASSERT_THAT(verify(), IsEmpty());
  }
};

TEST_F(FoldersTest, NewAccount_HasItsMailboxesOnce) {
  open_account();
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"));
  EXPECT_THAT(folders().subscriptions, ElementsAre("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"));
  EXPECT_EQ(number("INBOX"), kInbox);
  EXPECT_EQ(find("Junk")->special_use, SpecialUse::junk);
  EXPECT_GE(find("Trash")->highest_modseq, 1u);
  EXPECT_EQ(usage().mailboxes, 6u);
  const auto writes = engine_.writes();
  open_account();
  EXPECT_EQ(engine_.writes(), writes);
  ASSERT_TRUE(remove("Junk").has_value());
  open_account();
  EXPECT_THAT(names(), Not(Contains("Junk")));
}

TEST_F(FoldersTest, FirstDelivery_MakesThemToo) {
  settle(kAnna, queued());
  EXPECT_EQ(names().size(), 6u);
  EXPECT_EQ(status(kInbox).total, 1u);
}

TEST_F(FoldersTest, NothingYet_IsNotFoundOrEmpty) {
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_FALSE(folders().has_children("INBOX"));
  EXPECT_EQ(folders().find("INBOX"), nullptr);
  EXPECT_EQ(find("INBOX").error().cause, Error::Cause::not_found);
  EXPECT_EQ(usage().emails, 0u);
  EXPECT_EQ(remove("Sent").error().cause, Error::Cause::not_found);
  EXPECT_EQ(rename("Sent", "x").error().cause, Error::Cause::not_found);
  EXPECT_EQ(append(kInbox, {}).error().cause, Error::Cause::not_found);
}

TEST_F(FoldersTest, AccountOfAnEarlierRelease_GetsWhatIsMissing) {
  make_old_account();
  EXPECT_THAT(names(), ElementsAre("INBOX"));
  const Mailbox before = find("INBOX").value();
  EXPECT_EQ(messages(kInbox).at(0).received, messages(kInbox).at(0).saved);
  EXPECT_NE(messages(kInbox).at(0).received, WallTime());
  open_account();
  EXPECT_EQ(names().size(), 6u);
  EXPECT_EQ(find("INBOX")->uid_validity, before.uid_validity);
  EXPECT_GT(find("Sent")->uid_validity, before.uid_validity);
  EXPECT_EQ(expunge({1}).value(), 1u);
}

TEST_F(FoldersTest, AccountOfAnEarlierRelease_WithAMailboxOfThatName_GivesItTheUse) {
  make_old_account();
  const MailboxNumber sent = create("Sent").value().number;
  open_account();
  EXPECT_EQ(status(sent).special_use, SpecialUse::sent);
  EXPECT_EQ(names().size(), 6u);
}

TEST_F(FoldersTest, OldMembership_KeepsItsDateWhenItsFlagsChange) {
  make_old_account();
  const WallTime received = messages(kInbox).at(0).received;
  ASSERT_TRUE(change_flags(kInbox, {{1, 1}}, {FlagChange::How::add, kSeen, {"$Work"}}).has_value());
  EXPECT_EQ(messages(kInbox).at(0).received, received);
  EXPECT_EQ(messages(kInbox).at(0).keywords.size(), 1u);
}

TEST_F(FoldersTest, Create_MakesTheLevelsAbove) {
  open_account();
  EXPECT_EQ(create("a/b/c")->name, "a/b/c");
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "a", "a/b", "a/b/c"));
  EXPECT_TRUE(folders().has_children("a"));
  EXPECT_TRUE(folders().has_children("a/b"));
  EXPECT_FALSE(folders().has_children("a/b/c"));
  EXPECT_FALSE(folders().is_subscribed("a"));
  EXPECT_TRUE(create("INBOX/x").has_value());
  EXPECT_TRUE(folders().has_children("INBOX"));
  EXPECT_EQ(folders().find("a/b")->number, number("a/b"));
}

TEST_F(FoldersTest, Create_RefusesWhatCannotBe) {
  open_account();
  ASSERT_TRUE(create("a", SpecialUse::important).has_value());
  for (const auto& [name, use, cause] : {std::tuple{"a", SpecialUse::none, Error::Cause::conflict},
                                         {"INBOX", SpecialUse::none, Error::Cause::conflict},
                                         {"b", SpecialUse::junk, Error::Cause::conflict},
                                         {"b", SpecialUse::important, Error::Cause::conflict},
                                         {"", SpecialUse::none, Error::Cause::denied},
                                         {"/b", SpecialUse::none, Error::Cause::denied},
                                         {"b/", SpecialUse::none, Error::Cause::denied},
                                         {"b//c", SpecialUse::none, Error::Cause::denied}}) {
    SCOPED_TRACE(name);
    const auto refused = create(name, use);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().cause, cause);
    EXPECT_EQ(refused.error().kind, Error::Kind::permanent);
  }
  EXPECT_EQ(create(std::string(kMaxName + 1, 'x')).error().cause, Error::Cause::limit);
  EXPECT_TRUE(create(std::string(kMaxName, 'x')).has_value());
  engine_.set_full(true);
  EXPECT_EQ(create("b").error().cause, Error::Cause::full);
}

TEST_F(FoldersTest, RemovedAndMadeAgain_IsAnother) {
  open_account();
  const Mailbox first = create("a").value();
  append_one(first.number);
  ASSERT_TRUE(remove("a").has_value());
  const Mailbox second = create("a").value();  // within the same second
  EXPECT_GT(second.uid_validity, first.uid_validity);
  EXPECT_NE(second.number, first.number);
  EXPECT_EQ(second.total, 0u);
  EXPECT_EQ(loop_.run(mailboxes_->status(kAnna, first.number)).error().cause, Error::Cause::not_found);
}

TEST_F(FoldersTest, Remove_TakesTheMessagesAndLeavesTheRest) {
  open_account();
  create("a/b").value();
  const MailboxNumber a = number("a");
  std::vector<NewMessage> many;
  for (int i = 0; i < 1'200; ++i) many.push_back(new_message());
  ASSERT_EQ(append(a, std::move(many)).value().uids.size(), 1'200u);
  ASSERT_TRUE(subscribe("a", true).has_value());
  ASSERT_TRUE(loop_.run(mailboxes_->first_recent(kAnna, a, true)).has_value());
  ASSERT_TRUE(remove("a").has_value());
  EXPECT_THAT(names(), Contains("a/b"));
  EXPECT_THAT(names(), Not(Contains("a")));
  EXPECT_TRUE(folders().is_subscribed("a"));
  EXPECT_THAT(blobs_.ids(), IsEmpty());
  EXPECT_EQ(usage().emails, 0u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllRecents), 0u);
  EXPECT_EQ(remove("a").error().cause, Error::Cause::not_found);
  EXPECT_EQ(remove("INBOX").error().cause, Error::Cause::denied);
}

TEST_F(FoldersTest, Remove_PowerCutAtEveryWrite) {
  for (std::uint64_t at = 1; at <= 4; ++at) {
    SCOPED_TRACE(at);
    open_account();
    create("a").value();
    append_one(number("a"));
    engine_.fail_at(at, testing::MemoryEngine::Failure::applied);
    ignore(remove("a"), "it may fail");
    engine_.crash_at_random(random_);
    restart();
    ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
    EXPECT_THAT(verify(), IsEmpty());
    ignore(remove("a"), "it may be gone");
    EXPECT_THAT(names(), Not(Contains("a")));
    EXPECT_THAT(blobs_.ids(), IsEmpty());
  }
}

TEST_F(FoldersTest, Rename_TakesTheTreeAndItsSubscriptions) {
  open_account();
  for (const auto* name : {"a/b/c", "ab", "a/d"}) create(name).value();
  for (const auto* name : {"a", "a/b", "a/gone", "ab"}) ASSERT_TRUE(subscribe(name, true).has_value());
  const Mailbox before = find("a/b/c").value();
  append_one(before.number);
  ASSERT_TRUE(rename("a", "x/y").has_value());
  EXPECT_THAT(names(), ElementsAre("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "ab", "x", "x/y", "x/y/b", "x/y/b/c", "x/y/d"));
  const Mailbox after = find("x/y/b/c").value();
  EXPECT_EQ(after.number, before.number);
  EXPECT_EQ(after.uid_validity, before.uid_validity);
  EXPECT_EQ(after.total, 1u);
  EXPECT_THAT(folders().subscriptions,
              ElementsAre("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash", "ab", "x/y", "x/y/b", "x/y/gone"));
}

TEST_F(FoldersTest, Rename_RefusesWhatCannotBe) {
  open_account();
  for (const auto* name : {"a/b", "c/b", "d"}) create(name).value();
  const std::string deep(kMaxName - 3, 'd');
  create("long/" + std::string(100, 'x')).value();
  EXPECT_EQ(rename("a", "a").error().cause, Error::Cause::conflict);
  EXPECT_EQ(rename("a", "d").error().cause, Error::Cause::conflict);
  EXPECT_EQ(rename("a", "a/b/c").error().cause, Error::Cause::denied);
  EXPECT_EQ(rename("a", "INBOX").error().cause, Error::Cause::conflict);
  EXPECT_EQ(rename("no", "e").error().cause, Error::Cause::not_found);
  EXPECT_EQ(rename("long", deep).error().cause, Error::Cause::limit);
  EXPECT_EQ(rename("a", "x//y").error().cause, Error::Cause::denied);
  ASSERT_TRUE(remove("c").has_value());
  EXPECT_EQ(rename("a", "c").error().cause, Error::Cause::conflict);  // c/b is there
  EXPECT_TRUE(rename("Sent", "Gone out").has_value());
  EXPECT_EQ(find("Gone out")->special_use, SpecialUse::sent);
}

TEST_F(FoldersTest, RenameInbox_MovesItsMessages) {
  settle(kAnna, queued());
  settle(kAnna, queued());
  create("INBOX/below").value();
  ASSERT_TRUE(rename("INBOX", "old/mail").has_value());
  EXPECT_THAT(uids(), IsEmpty());
  EXPECT_THAT(uids_in(number("old/mail")), ElementsAre(1, 2));
  EXPECT_THAT(names(), Contains("INBOX/below"));
  EXPECT_EQ(settle(kAnna, queued()).uid, 3u);
  EXPECT_EQ(rename("INBOX", "old/mail").error().cause, Error::Cause::conflict);
  EXPECT_TRUE(rename("INBOX", "INBOX/sub").has_value());
  EXPECT_THAT(uids_in(number("INBOX/sub")), ElementsAre(1));
}

TEST_F(FoldersTest, Subscriptions_HaveALimit) {
  open_account();
  store::Batch batch;
  const std::size_t before = folders().subscriptions.size();
  for (std::size_t i = before + 1; i < kMaxSubscriptions; ++i)
    batch.put(Keyspace::mailbox, subscription_key("many/" + std::to_string(i)), "");
  ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(kAnna), std::move(batch))).ok());
  EXPECT_TRUE(subscribe("the last", true).has_value());
  EXPECT_EQ(folders().subscriptions.size(), kMaxSubscriptions);
  const auto refused = subscribe("one more", true);
  EXPECT_EQ(refused.error().cause, Error::Cause::limit);
  EXPECT_EQ(refused.error().text, "the account has too many subscriptions");
  EXPECT_FALSE(folders().is_subscribed("one more"));
  EXPECT_TRUE(subscribe("the last", true).has_value());
  EXPECT_TRUE(subscribe("many/100", false).has_value());
  EXPECT_TRUE(subscribe("one more", true).has_value());
  EXPECT_EQ(folders().subscriptions.size(), kMaxSubscriptions);
}

TEST_F(FoldersTest, Subscribe_TakesAnyNameTwice) {
  open_account();
  const auto writes = engine_.writes();
  EXPECT_TRUE(subscribe("INBOX", true).has_value());
  EXPECT_TRUE(subscribe("nowhere", false).has_value());
  EXPECT_EQ(engine_.writes(), writes);
  EXPECT_TRUE(subscribe("nowhere", true).has_value());
  EXPECT_TRUE(folders().is_subscribed("nowhere"));
  EXPECT_TRUE(subscribe("nowhere", false).has_value());
  EXPECT_FALSE(folders().is_subscribed("nowhere"));
  EXPECT_EQ(subscribe(std::string(2'000, 'x'), true).error().cause, Error::Cause::limit);
}

TEST_F(FoldersTest, RemovedAccount_IsNotFoundEverywhere) {
  open_account();
  create("a").value();
  remove_account(kAnna);
  EXPECT_EQ(loop_.run(mailboxes_->open_account(kAnna)).error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop_.run(mailboxes_->folders(kAnna)).error().cause, Error::Cause::not_found);
  EXPECT_EQ(create("b").error().cause, Error::Cause::not_found);
  EXPECT_EQ(remove("a").error().cause, Error::Cause::not_found);
  EXPECT_EQ(rename("a", "b").error().cause, Error::Cause::not_found);
  EXPECT_EQ(subscribe("a", true).error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop_.run(mailboxes_->usage(kAnna)).error().cause, Error::Cause::not_found);
  EXPECT_EQ(append(kInbox, {}).error().cause, Error::Cause::not_found);
  EXPECT_EQ(copy(kInbox, {{1, 1}}, 2).error().cause, Error::Cause::not_found);
  EXPECT_EQ(change_flags(kInbox, {{1, 1}}, {}).error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop_.run(mailboxes_->keywords(kAnna)).error().cause, Error::Cause::not_found);
}

TEST_F(FoldersTest, SpecialUses_HaveTheirNames) {
  EXPECT_EQ(to_string(SpecialUse::junk), "\\Junk");
  EXPECT_EQ(to_string(SpecialUse::none), "");
  EXPECT_EQ(parse_special_use("\\SENT"), SpecialUse::sent);
  EXPECT_EQ(parse_special_use("\\All"), std::nullopt);
  EXPECT_EQ(parse_special_use(""), std::nullopt);
}

// Other writers on the same store (another node): nothing is lost, nobody is told a lie.
TEST_F(FoldersTest, TwoWriters_SeeEachOther) {
  open_account();
  Mailboxes other(engine_, blobs_, loop_.clock(), random_);
  ASSERT_TRUE(loop_.run(other.create(kAnna, "theirs", SpecialUse::none)).has_value());
  EXPECT_EQ(create("theirs").error().cause, Error::Cause::conflict);
  ASSERT_TRUE(create("ours").has_value());
  EXPECT_EQ(loop_.run(other.create(kAnna, "ours", SpecialUse::none)).error().cause, Error::Cause::conflict);
  ASSERT_TRUE(loop_.run(other.remove(kAnna, "ours")).has_value());
  EXPECT_EQ(rename("ours", "x").error().cause, Error::Cause::not_found);
  EXPECT_TRUE(loop_.run(other.create(kAnna, "ours", SpecialUse::none)).has_value());
}

// Rows of mailboxes and of subscriptions share one batch.
TEST_F(FoldersTest, RenameOfATreeThatIsTooLarge_IsALimit_AndNothingChanges) {
  open_account();
  const std::string tail(900, 'x');
  for (int i = 0; i < 900; ++i) {
    const std::string name = "A/" + std::to_string(1'000 + i) + tail;
    ASSERT_TRUE(create(name).has_value());
    if (i < 300) ASSERT_TRUE(loop_.run(mailboxes_->subscribe(kAnna, name, true)).has_value());
  }
  const auto done = rename("A", "B");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().cause, Error::Cause::limit);
  EXPECT_TRUE(find("A").has_value());
}

TEST_F(FoldersTest, NamesWithControlCharacters_AreDenied) {
  open_account();
  const std::string names[] = {"x\ny", std::string("x\0y", 3), "\x7f", "\xff"};
  for (const std::string& name : names) {
    const auto made = create(name);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().cause, Error::Cause::denied);
  }
}

}  // namespace
}  // namespace godwit::mailbox
