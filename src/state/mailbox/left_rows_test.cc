// Rows by email of messages that have gone while their emails stay (outbox `l`): what holds until they are cleared away.

#include "state/mailbox/messages_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LeftRowsTest : public MessagesTest {
 protected:
  static constexpr std::uint32_t kMany = 100;

  // In box_ and in INBOX; those of INBOX are expunged, and nothing is tidied.
  LeftRowsTest() {
    EXPECT_TRUE(append(box_, several(kMany)).has_value());
    EXPECT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
    EXPECT_THAT(leave(kInbox, {1, kMany}), SizeIs(kMany));
  }
  std::vector<Uid> leave(MailboxNumber mailbox, UidRange which) {
    return loop_.run(mailboxes_->expunge(kAnna, mailbox, std::vector<UidRange>(1, which), false)).value();
  }
  std::size_t left() { return rows(kAnna, Keyspace::outbox, kAllLeft); }
  std::size_t by_email() { return rows(kAnna, Keyspace::mailbox, kAllByEmail); }
  std::size_t emails() { return rows(kAnna, Keyspace::mailbox, kAllEmails); }
  void lose(Keyspace keyspace, std::string key) {
    store::Batch batch;
    batch.erase(keyspace, std::move(key));
    ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(kAnna), std::move(batch))).ok());
  }
  void tidy() { loop_.run(mailboxes_->tidy(kAnna)); }
};

TEST_F(LeftRowsTest, Expunge_LeavesThemToTidy) {
  EXPECT_EQ(left(), 1u);
  EXPECT_EQ(by_email(), 2 * kMany);
  EXPECT_THAT(verify(), IsEmpty());
  tidy();
  EXPECT_EQ(left(), 0u);
  EXPECT_EQ(by_email(), kMany);
  EXPECT_EQ(emails(), kMany);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, LastPlaceGoesMeanwhile_TheEmailGoesToo) {
  leave(box_, {1, kMany});
  EXPECT_THAT(verify(), IsEmpty());
  tidy();
  EXPECT_EQ(emails(), 0u);
  EXPECT_EQ(by_email(), 0u);
  EXPECT_THAT(blobs_.ids(), IsEmpty());
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, CopiedBackMeanwhile_TheNewPlaceKeepsTheEmail) {
  ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
  leave(box_, {1, kMany});
  EXPECT_THAT(verify(), IsEmpty());
  tidy();
  EXPECT_EQ(emails(), kMany);
  EXPECT_EQ(by_email(), kMany);
  EXPECT_THAT(uids_in(kInbox), SizeIs(kMany));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, RebuildMeanwhile_BringsNothingBack) {
  ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  EXPECT_THAT(verify(), IsEmpty());
  leave(box_, {1, kMany});
  tidy();
  EXPECT_EQ(emails(), 0u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, TombstonesForgottenAndRebuilt_TheyStayGone) {
  for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox)) {
    if (row.key.starts_with(kAllExpunged)) lose(Keyspace::mailbox, row.key);
  }
  ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
}

TEST_F(LeftRowsTest, EntryLostOrUnreadable_ExpungedStaysGone) {
  for (const bool lost : {true, false}) {
    SCOPED_TRACE(lost ? "lost" : "unreadable");
    for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::outbox)) {
      if (!row.key.starts_with(kAllLeft)) continue;
      if (lost)
        lose(Keyspace::outbox, row.key);
      else
        put(directory::partition_of(kAnna), Keyspace::outbox, row.key, "rubbish");
    }
    tidy();
    ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
    EXPECT_THAT(uids_in(kInbox), IsEmpty());
    EXPECT_EQ(by_email(), kMany);
    EXPECT_THAT(verify(), IsEmpty());
    if (!lost) break;
    ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
    const Uid next = status(kInbox).uid_next;
    leave(kInbox, {next - kMany, next - 1});
    EXPECT_EQ(left(), 1u);
  }
}

// A lost page of the place where the emails stay: the messages are put back, though their other places have gone.
TEST_F(LeftRowsTest, PageOfTheStayingPlaceLost_TheMessagesAreBack) {
  for (const bool entry_too : {false, true}) {
    SCOPED_TRACE(entry_too);
    for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox)) {
      if (row.key.starts_with(messages_prefix(box_))) lose(Keyspace::mailbox, row.key);
    }
    if (entry_too) {
      for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::outbox))
        if (row.key.starts_with(kAllLeft)) lose(Keyspace::outbox, row.key);
    }
    ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
    EXPECT_THAT(uids_in(box_), SizeIs(kMany));
    EXPECT_THAT(uids_in(kInbox), IsEmpty());
    EXPECT_EQ(emails(), kMany);
    tidy();
    EXPECT_EQ(blobs_.ids().size(), kMany);
    EXPECT_THAT(uids_in(box_), SizeIs(kMany));
    EXPECT_THAT(verify(), IsEmpty());
    if (entry_too) break;
    ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
    const Uid next = status(kInbox).uid_next;
    leave(kInbox, {next - kMany, next - 1});
  }
}

TEST_F(LeftRowsTest, EntryUnreadable_ExpungeGoesOn) {
  for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::outbox))
    put(directory::partition_of(kAnna), Keyspace::outbox, row.key, "rubbish");
  EXPECT_THAT(leave(box_, {1, kMany}), SizeIs(kMany));
  EXPECT_EQ(emails(), kMany) << "their other places count as there";
  tidy();
  EXPECT_THAT(uids_in(box_), IsEmpty());
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  tidy();
  EXPECT_EQ(emails(), 0u);
  EXPECT_THAT(verify(), IsEmpty());
}

// What is still to be cleared away is not forgotten: the tombstones tell what has gone where the outbox's entry is lost.
TEST_F(LeftRowsTest, ManyExpunges_ForgetNoTombstoneThatIsNeeded) {
  const std::size_t before = rows(kAnna, Keyspace::mailbox, kAllExpunged);
  ASSERT_TRUE(append(box_, several(2'000)).has_value());
  for (int round = 0; round < 7; ++round) {
    const Uid first = status(kInbox).uid_next;
    ASSERT_TRUE(copy(box_, {{kMany + 1, kMany + 2'000}}, kInbox).has_value());
    leave(kInbox, {first, UINT32_MAX});
  }
  EXPECT_GE(rows(kAnna, Keyspace::mailbox, kAllExpunged), before + 7);
  tidy();
  const Uid first = status(kInbox).uid_next;
  ASSERT_TRUE(copy(box_, {{kMany + 1, kMany + 2'000}}, kInbox).has_value());
  leave(kInbox, {first, UINT32_MAX});
  EXPECT_LT(rows(kAnna, Keyspace::mailbox, kAllExpunged), before + 7) << "and then they are";
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, OldPageIsBackAfterARepair_ItsEmailsKeepTheirPlace) {
  std::map<std::string, std::string> old;
  tidy();
  ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
  for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox))
    if (row.key.starts_with(messages_prefix(kInbox))) old[row.key] = row.value;
  const Uid next = status(kInbox).uid_next;
  leave(kInbox, {next - kMany, next - 1});
  for (const auto& [key, value] : old) put(directory::partition_of(kAnna), Keyspace::mailbox, key, value);
  for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox))
    if (row.key.starts_with(kAllExpunged)) lose(Keyspace::mailbox, row.key);
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna})), 0u);
  EXPECT_EQ(by_email(), 2 * kMany);
  ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());  // counts what is back
  leave(box_, {1, kMany});
  tidy();
  EXPECT_EQ(emails(), kMany);
  EXPECT_EQ(blobs_.ids().size(), kMany);
}

TEST_F(LeftRowsTest, OldPageIsBackAndRebuilt_WhatWasExpungedStaysGone) {
  std::map<std::string, std::string> old;
  tidy();
  ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox).has_value());
  for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox))
    if (row.key.starts_with(messages_prefix(kInbox))) old[row.key] = row.value;
  const Uid next = status(kInbox).uid_next;
  leave(kInbox, {next - kMany, next - 1});
  for (const auto& [key, value] : old) put(directory::partition_of(kAnna), Keyspace::mailbox, key, value);
  ASSERT_TRUE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  EXPECT_THAT(verify(), IsEmpty());
  leave(box_, {1, kMany});
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna})), 0u);
  EXPECT_EQ(emails(), 0u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, MailboxDeletedMeanwhile_TheEmailsStay) {
  ASSERT_TRUE(create("other").has_value());
  const MailboxNumber other = number("other");
  ASSERT_TRUE(copy(box_, {{1, kMany}}, other).has_value());
  ASSERT_TRUE(loop_.run(mailboxes_->remove(kAnna, "other")).has_value());
  EXPECT_THAT(verify(), IsEmpty());
  tidy();
  EXPECT_EQ(left(), 0u);
  EXPECT_EQ(by_email(), kMany);
  EXPECT_EQ(emails(), kMany);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, Move_LeavesThemToo) {
  tidy();
  ASSERT_TRUE(copy(box_, {{1, kMany}}, kInbox, true).has_value());
  EXPECT_EQ(left(), 1u);
  EXPECT_THAT(verify(), IsEmpty());
  tidy();
  EXPECT_EQ(by_email(), kMany);
  EXPECT_EQ(emails(), kMany);
  EXPECT_THAT(uids_in(box_), IsEmpty());
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(LeftRowsTest, AFewMessages_AreClearedAtOnce) {
  tidy();
  ASSERT_TRUE(copy(box_, {{1, 2}}, kInbox, true).has_value());
  EXPECT_EQ(left(), 0u);
  EXPECT_EQ(by_email(), kMany);
}

TEST_F(LeftRowsTest, Restart_ClearsThemByTheOutboxes) {
  restart();
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna})), 0u);
  EXPECT_EQ(left(), 0u);
  EXPECT_EQ(by_email(), kMany);
  EXPECT_THAT(verify(), IsEmpty());
}

}  // namespace
}  // namespace godwit::mailbox
