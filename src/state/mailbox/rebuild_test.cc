#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RebuildTest : public MailboxFixture {
 protected:
  static store::Partition partition() { return directory::partition_of(kAnna); }
  void lose(std::string key) {
    store::Batch batch;
    batch.erase(Keyspace::mailbox, std::move(key));
    ASSERT_TRUE(loop_.run(engine_.write(partition(), std::move(batch))).ok());
    loop_.advance(std::chrono::minutes(1));
    open();
  }
  std::string value_of(const std::string& key) { return loop_.run(engine_.get(partition(), Keyspace::mailbox, key)).value()->value; }
  std::vector<std::string> rebuild() { return loop_.run(mailboxes_->rebuild(kAnna)).value(); }
  // Each mail still shows the bytes that came with it.
  void expect_blobs(const std::vector<store::BlobId>& blobs) {
    std::vector<store::BlobId> seen;
    for (const auto& each : snapshot().messages) seen.push_back(loop_.run(mailboxes_->email(kAnna, each.email)).value().blob);
    EXPECT_EQ(seen, blobs);
  }

  const std::string account_key_{kAccountKey};
};

TEST_F(RebuildTest, AccountRowLost_OldMailStays_NewMailGetsTheNextUid) {
  const Queued one = queued();
  const Queued two = queued();
  settle(kAnna, one);
  settle(kAnna, queued());
  settle(kAnna, queued());
  ASSERT_EQ(expunge({2, 3}).value(), 2u);
  const Snapshot before = snapshot();
  lose(account_key_);

  EXPECT_EQ(settle(kAnna, two).uid, 4u);
  EXPECT_THAT(uids(), ElementsAre(1, 4));
  expect_blobs({one.blob, two.blob});
  EXPECT_EQ(snapshot().uid_validity, before.uid_validity);
  EXPECT_GT(snapshot().highest_modseq, before.highest_modseq);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, MailboxRowLost_OldMailStays_UnderANewUidValidity) {
  const Queued one = queued();
  const Queued two = queued();
  settle(kAnna, one);
  const Snapshot before = snapshot();
  lose(mailbox_key(kInbox));

  EXPECT_EQ(settle(kAnna, two).uid, 2u);
  expect_blobs({one.blob, two.blob});
  EXPECT_GT(snapshot().uid_validity, before.uid_validity);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, AccountAndMailboxRowLost_OldMailStays) {
  const Queued one = queued();
  const Queued two = queued();
  settle(kAnna, one);
  lose(account_key_);
  lose(mailbox_key(kInbox));
  lose(page_key(kInbox, 0));

  EXPECT_EQ(settle(kAnna, two).uid, 2u);
  expect_blobs({one.blob, two.blob});
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, WrongCounters_CannotOverwrite) {
  const Queued one = queued();
  const Queued two = queued();
  const Queued three = queued();
  settle(kAnna, one);
  const std::string old_account = value_of(account_key_);
  const std::string old_inbox = value_of(mailbox_key(kInbox));
  settle(kAnna, two);
  put(partition(), Keyspace::mailbox, account_key_, old_account);
  put(partition(), Keyspace::mailbox, mailbox_key(kInbox), old_inbox);

  EXPECT_EQ(settle(kAnna, three).uid, 3u);
  expect_blobs({one.blob, two.blob, three.blob});
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, OneWrongCounter_CannotOverwrite) {
  const Queued one = queued();
  const Queued two = queued();
  const Queued three = queued();
  settle(kAnna, one);
  const std::string old_account = value_of(account_key_);
  const std::string old_inbox = value_of(mailbox_key(kInbox));
  settle(kAnna, two);
  put(partition(), Keyspace::mailbox, account_key_, old_account);
  EXPECT_EQ(settle(kAnna, three).uid, 3u);
  put(partition(), Keyspace::mailbox, mailbox_key(kInbox), old_inbox);
  const Queued four = queued();
  EXPECT_EQ(settle(kAnna, four).uid, 4u);
  expect_blobs({one.blob, two.blob, three.blob, four.blob});
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, PageOfMessagesLostWithTheAccountRow_UidsAreNotGivenAgainAndTheMailIsBack) {
  settle(kAnna, queued());
  settle(kAnna, queued());
  lose(account_key_);
  lose(mailbox_key(kInbox));
  lose(messages_key(kInbox, 0));
  EXPECT_EQ(settle(kAnna, queued()).uid, 3u);
  EXPECT_THAT(uids(), ElementsAre(1, 2, 3));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, PageOfMessagesLostOrUnreadable_TheyAreBackWithoutTheirFlags) {
  open_account();
  for (int i = 0; i < 70; ++i) append_one(2, kSeen);
  const auto before = messages(2);
  const Modseq known = status(2).highest_modseq;
  for (const bool lost : {true, false}) {
    SCOPED_TRACE(lost);
    if (lost)
      lose(messages_key(2, 0));
    else
      put(partition(), Keyspace::mailbox, messages_key(2, 0), "rubbish");
    EXPECT_THAT(verify(), Not(IsEmpty()));
    EXPECT_THAT(rebuild(), Contains("message 1 of mailbox 2 was lost: it is back, without its flags"));
    EXPECT_THAT(verify(), IsEmpty());
    const auto after = messages(2);
    ASSERT_EQ(after.size(), 70u);
    EXPECT_EQ(after[0].email, before[0].email);
    EXPECT_EQ(after[0].size, before[0].size);
    EXPECT_EQ(after[0].received, before[0].received);
    EXPECT_EQ(after[0].flags, 0);
    EXPECT_EQ(after[69].flags, kSeen);
    EXPECT_EQ(changes(2, known).messages.size(), 63u);  // whoever watches is told
  }
}

// Mail goes on coming, and what the page had comes back.
TEST_F(RebuildTest, PageOfMessagesUnreadable_DeliveryGoesOn) {
  settle(kAnna, queued());
  put(partition(), Keyspace::mailbox, messages_key(kInbox, 0), "rubbish");
  EXPECT_EQ(settle(kAnna, queued()).uid, 2u);
  rebuild();
  EXPECT_THAT(uids(), ElementsAre(1, 2));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, LogLost_EverythingMayHaveChanged) {
  open_account();
  for (int i = 0; i < 3; ++i) append_one(2);
  const Modseq known = status(2).highest_modseq;
  ASSERT_TRUE(expunge_in(2, {{2, 2}}).has_value());
  const auto all = engine_.dump(partition(), Keyspace::mailbox);
  for (const auto& row : all) {
    if (row.key.starts_with(kAllChanged) || row.key.starts_with(kAllExpunged)) lose(row.key);
  }
  EXPECT_THAT(verify(), Not(IsEmpty()));
  rebuild();
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_EQ(changes(2, 0).messages.size(), 2u);
  EXPECT_FALSE(changes(2, known).complete);  // which expunges were forgotten nobody knows
}

// What has been expunged and waits for the outbox is not put back.
TEST_F(RebuildTest, Orphans_StayGone) {
  open_account();
  for (int i = 0; i < 3; ++i) append_one(2);
  ASSERT_TRUE(loop_.run(mailboxes_->expunge(kAnna, 2, {{1, 2}}, false)).has_value());
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 1u);
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_THAT(rebuild(), IsEmpty());
  lose(account_key_);
  rebuild();
  EXPECT_THAT(uids_in(2), ElementsAre(3));
  EXPECT_THAT(verify(), IsEmpty());
  restart();
  EXPECT_EQ(blobs_.ids().size(), 3u);
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna})), 0u);
  EXPECT_EQ(blobs_.ids().size(), 1u);
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
  EXPECT_THAT(verify(), IsEmpty());
}

// The entry of the outbox is lost: what was expunged does not come back, and is cleared away all the same.
TEST_F(RebuildTest, OutboxLostOrUnreadable_ExpungedStaysGone) {
  open_account();
  for (const bool lost : {true, false}) {
    SCOPED_TRACE(lost);
    const Uid first = append_one(2);
    append_one(2);
    ASSERT_TRUE(loop_.run(mailboxes_->expunge(kAnna, 2, {{first, first}}, false)).has_value());
    const auto entries = engine_.dump(partition(), Keyspace::outbox);
    ASSERT_EQ(entries.size(), 1u);
    store::Batch batch;
    if (lost)
      batch.erase(Keyspace::outbox, entries[0].key);
    else
      batch.put(Keyspace::outbox, entries[0].key, "rubbish");
    ASSERT_TRUE(loop_.run(engine_.write(partition(), std::move(batch))).ok());
    EXPECT_THAT(verify(), Not(IsEmpty()));
    EXPECT_THAT(rebuild(), Contains(HasSubstr("had left something behind")));
    ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
    EXPECT_THAT(uids_in(2), Not(Contains(first)));
    EXPECT_EQ(blobs_.ids().size(), lost ? 1u : 2u);
    EXPECT_THAT(verify(), IsEmpty());
  }
}

// Modseqs that a power cut took back may have been seen.
TEST_F(RebuildTest, PutBack_AboveTheReserve) {
  open_account();
  append_one(2);
  const AccountRow account = decode_account(value_of(account_key_)).value();
  AccountRow reserved = account;
  reserved.reserved_modseq = account.modseq + 10'000;
  put(partition(), Keyspace::mailbox, account_key_, encode(reserved));
  lose(messages_key(2, 0));
  rebuild();
  EXPECT_GT(messages(2)[0].modseq, reserved.reserved_modseq);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, Reader_FindsTheMailAfterTheMailboxRowWasLost) {
  settle(kAnna, queued());
  settle(kAnna, queued());
  lose(mailbox_key(kInbox));
  EXPECT_THAT(uids(), ElementsAre(1, 2));
  EXPECT_NE(snapshot().uid_validity, 0u);
  EXPECT_EQ(snapshot().uid_next, 3u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, Expunge_WorksAfterTheAccountRowWasLost) {
  settle(kAnna, queued());
  settle(kAnna, queued());
  lose(account_key_);
  EXPECT_EQ(expunge({1}).value(), 1u);
  EXPECT_THAT(uids(), ElementsAre(2));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, CutOff_IsDoneByTheNext) {
  settle(kAnna, queued());
  for (const auto failure : {testing::MemoryEngine::Failure::lost, testing::MemoryEngine::Failure::applied}) {
    lose(account_key_);
    engine_.fail_at(1, failure);
    EXPECT_FALSE(loop_.run(mailboxes_->rebuild(kAnna)).has_value());
    engine_.crash_forgetting_all();
    restart();
    EXPECT_THAT(uids(), ElementsAre(1));
    rebuild();
    EXPECT_THAT(verify(), IsEmpty());
  }
}

TEST_F(RebuildTest, Rebuild_SaysWhatItMended) {
  settle(kAnna, queued());
  lose(account_key_);
  lose(mailbox_key(kInbox));
  lose(page_key(kInbox, 0));
  put(partition(), Keyspace::mailbox, page_key(kInbox, 7), UidPage().encode());
  EXPECT_THAT(rebuild(), ::testing::UnorderedElementsAre(
                             "the row of the account was missing", "the row of mailbox 1 was missing, its UIDVALIDITY is new",
                             "page 0 of the UIDs of mailbox 1 was missing", "page 7 of the UIDs of mailbox 1 was wrong"));
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_THAT(rebuild(), IsEmpty());
}

TEST_F(RebuildTest, WholeNewOrRemovedAccount_IsLeftAlone) {
  EXPECT_THAT(rebuild(), IsEmpty());
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox), 0u);
  settle(kAnna, queued());
  settle(kAnna, queued());
  expunge({1}).value();
  const std::uint64_t before = engine_.writes();
  EXPECT_THAT(rebuild(), IsEmpty());
  EXPECT_EQ(engine_.writes(), before);
  lose(account_key_);
  remove_account(kAnna);
  EXPECT_THAT(rebuild(), IsEmpty());
}

TEST_F(RebuildTest, WhatCountsBesides_IsMadeAnew) {
  open_account();
  append_one(2, kDeleted, {"one", "two"}, {"own", "other"});
  append_one(2, 0, {}, {"other"});
  const Modseq before = status(2).highest_modseq;
  lose(account_key_);
  lose(keyword_key(1));
  for (const auto& row : engine_.dump(partition(), Keyspace::mailbox)) {
    if (row.key.starts_with(kAllThreads)) lose(row.key);
  }
  MailboxRow trash = decode_mailbox(value_of(mailbox_key(6))).value();
  trash.name = "Archive";
  trash.special_use = SpecialUse::archive;
  put(partition(), Keyspace::mailbox, mailbox_key(6), encode(trash));
  put(partition(), Keyspace::mailbox, details_key(77), "x");
  put(partition(), Keyspace::mailbox, recent_key(77), encode_recent(4));
  for (const auto* sentence : {"have the same name", "have the same special use", "keyword 1 has no name", "is not there",
                               "details of email 77", "recent in mailbox 77", "would be given again"})
    EXPECT_THAT(verify(), Contains(HasSubstr(sentence)));
  EXPECT_FALSE(rebuild().empty());
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_THAT(rebuild(), IsEmpty());
  EXPECT_EQ(status(6).name, "Archive (6)");
  EXPECT_FALSE(changes(2, 0).complete);
  append_one(2, 0, {}, {"new", "other"});
  const auto seen = messages(2);
  EXPECT_GT(seen[2].modseq, before);
  EXPECT_EQ(loop_.run(mailboxes_->email(kAnna, seen[2].email)).value().thread, seen[0].email);
}

TEST_F(RebuildTest, OtherMailboxLost_IsFoundByItsMessages) {
  open_account();
  append_one(4);
  lose(mailbox_key(4));
  EXPECT_EQ(append_one(4), 2u);
  EXPECT_EQ(status(4).name, "Recovered 4");
  lose(mailbox_key(4));
  EXPECT_EQ(status(4).total, 2u);
  lose(mailbox_key(4));
  EXPECT_EQ(copy(kInbox, {{1, 1}}, 4).value().to.size(), 0u);
}

// Else EXPUNGE in the one would take the bytes from the other.
TEST_F(RebuildTest, PlaceOfACopyLost_IsPutBack_AndTheCopyStaysWhole) {
  open_account();
  append_one(2);
  ASSERT_EQ(copy(2, {{1, 1}}, 3).value().to.size(), 1u);
  const EmailId email = messages(3)[0].email;
  lose(by_email_key(email, 3, 1));
  EXPECT_THAT(verify(), Contains(HasSubstr("are listed")));
  EXPECT_THAT(rebuild(), Contains(HasSubstr("was missing")));
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_THAT(rebuild(), IsEmpty());
  ASSERT_TRUE(expunge_in(2, {{1, 1}}, false).has_value());
  EXPECT_TRUE(loop_.run(mailboxes_->email(kAnna, email)).has_value());
  EXPECT_THAT(verify(), IsEmpty());
}

// The row that is lost is that of the message which goes: the other one tells that the email stays.
TEST_F(RebuildTest, PlaceOfTheLeavingOneLost_TheOtherStaysWhole) {
  open_account();
  append_one(2);
  ASSERT_EQ(copy(2, {{1, 1}}, 3).value().to.size(), 1u);
  const EmailId email = messages(3)[0].email;
  lose(by_email_key(email, 2, 1));
  ASSERT_TRUE(expunge_in(2, {{1, 1}}, false).has_value());
  EXPECT_TRUE(loop_.run(mailboxes_->email(kAnna, email)).has_value());
  EXPECT_EQ(blobs_.ids().size(), 1u);
}

// A message that cannot be read any more can still be thrown away, and does not keep others.
TEST_F(RebuildTest, EmailRecordLostOrUnreadable_ExpungeGoesOn) {
  open_account();
  for (int i = 0; i < 4; ++i) append_one(2);
  const auto seen = messages(2);
  lose(email_key(seen[1].email));
  put(partition(), Keyspace::mailbox, email_key(seen[2].email), "no record");
  EXPECT_EQ(expunge_in(2, {{1, 3}}, false).value().size(), 3u);
  EXPECT_THAT(uids_in(2), ElementsAre(4));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(RebuildTest, EmailRecordUnreadable_TheAccountCanStillBeRemoved) {
  open_account();
  append_one(2);
  append_one(2);
  put(partition(), Keyspace::mailbox, email_key(messages(2)[0].email), "no record");
  remove_account(kAnna);
  EXPECT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox), 0u);
}

TEST_F(RebuildTest, WrongCounter_OverwritesNothing_InAnyMailbox) {
  open_account();
  append_one(3);
  const std::string old = value_of(mailbox_key(3));
  append_one(3);
  put(partition(), Keyspace::mailbox, mailbox_key(3), old);
  EXPECT_EQ(append_one(3), 3u);
}

// Two hundred pages of 8 KiB are more than a batch.
TEST_F(RebuildTest, ManyPages_TakeSeveralBatches) {
  is_damaged_ = true;  // a message that nothing lists
  settle(kAnna, queued());
  UidPage full;
  for (std::uint32_t offset = 0; offset < UidPage::kSize; offset += 2) full.insert(static_cast<std::uint16_t>(offset));
  for (std::uint16_t page = 1; page <= 200; ++page) put(partition(), Keyspace::mailbox, page_key(kInbox, page), full.encode());
  const Uid far = 300u << 16;
  put(partition(), Keyspace::mailbox, messages_key(kInbox, MessagePage::page_of(far)),
      page_with(kInbox, far, Membership{.email = 1, .modseq = 1}));
  const auto changes = rebuild();
  EXPECT_THAT(changes, Contains(HasSubstr("page 300")));
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllPages), 2u);
  EXPECT_EQ(deliver(kAnna, queued()).value().uid, (300u << 16) + 1);
}

}  // namespace
}  // namespace godwit::mailbox
