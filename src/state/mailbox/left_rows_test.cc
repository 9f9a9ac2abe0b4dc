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
