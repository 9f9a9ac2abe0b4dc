#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExpungeTest : public MailboxFixture {};

TEST_F(ExpungeTest, Message_GoesWithItsRowsAndItsBytes) {
  const Queued first = queued(), second = queued();
  settle(kAnna, first);
  settle(kAnna, second);
  EXPECT_EQ(expunge({1}).value(), 1u);
  EXPECT_THAT(uids(), ElementsAre(2));
  EXPECT_FALSE(blobs_.contains(first.blob));
  EXPECT_TRUE(blobs_.contains(second.blob));
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllEmails), 1u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllByEmail), 1u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllExpunged), 1u);
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
  EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 1u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ExpungeTest, Tombstone_SaysWhatWasThere) {
  const auto done = settle(kAnna, queued());
  const Modseq before = snapshot().highest_modseq;
  expunge({1}).value();
  EXPECT_EQ(snapshot().highest_modseq, before + 1);
  const auto rows = engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox);
  for (const auto& row : rows) {
    if (row.key != expunged_key(before + 1)) continue;
    EXPECT_THAT(decode_expunged(row.value).value().messages, ElementsAre(Tombstone{1, done.email, before}));
    return;
  }
  FAIL() << "no tombstone";
}

TEST_F(ExpungeTest, Uids_AreNotGivenAgain) {
  settle(kAnna, queued());
  settle(kAnna, queued());
  expunge({2, 1}).value();
  EXPECT_THAT(uids(), IsEmpty());
  EXPECT_EQ(settle(kAnna, queued()).uid, 3u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllPages), 1u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ExpungeTest, WhatIsNotThere_IsPassedOver) {
  EXPECT_EQ(expunge({1}).error().cause, Error::Cause::not_found);
  settle(kAnna, queued());
  EXPECT_EQ(expunge({1, 1, 7, 0}).value(), 1u);
  EXPECT_EQ(expunge({1}).value(), 0u);
  EXPECT_EQ(expunge({}).value(), 0u);
}

TEST_F(ExpungeTest, TwoSessionsAtOnce_EachMessageOnce) {
  for (int i = 0; i < 4; ++i) settle(kAnna, queued());
  std::vector<std::size_t> counts;
  auto run = [](Mailboxes& mailboxes, std::vector<UidRange> which, std::vector<std::size_t>& out) -> Task<> {
    const auto removed = co_await mailboxes.expunge(kAnna, kInbox, std::move(which), false);
    out.push_back(removed.value().size());
  };
  loop_.start(run(*mailboxes_, {{1, 3}}, counts));
  loop_.start(run(*mailboxes_, {{2, 4}}, counts));
  loop_.run_until([&] { return counts.size() == 2; });
  EXPECT_EQ(counts[0] + counts[1], 4u);
  EXPECT_THAT(uids(), IsEmpty());
  loop_.run(mailboxes_->tidy(kAnna));
  EXPECT_THAT(blobs_.ids(), IsEmpty());
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ExpungeTest, ThousandsAtOnce_GoInPieces) {
  for (int i = 0; i < 2'500; ++i) deliver(kAnna, queued()).value();
  std::vector<Uid> all = uids();
  all.pop_back();
  EXPECT_EQ(expunge(all).value(), 2'499u);
  EXPECT_THAT(uids(), ElementsAre(2'500));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ExpungeTest, DeliveryMeanwhile_BothHold) {
  settle(kAnna, queued());
  std::size_t finished = 0;
  auto remove = [](Mailboxes& mailboxes, std::size_t& done) -> Task<> {
    EXPECT_EQ((co_await mailboxes.expunge(kAnna, kInbox, std::vector<UidRange>(1, UidRange{1, 1}), false)).value().size(), 1u);
    ++done;
  };
  auto insert = [](Mailboxes& mailboxes, Queued message, NewEmail email, std::size_t& done) -> Task<> {
    EXPECT_TRUE((co_await mailboxes.deliver(kAnna, message.id, kAnnaAddress, std::move(email))).has_value());
    ++done;
  };
  std::vector<Queued> messages;
  for (int i = 0; i < 5; ++i) messages.push_back(queued());
  loop_.start(remove(*mailboxes_, finished));
  for (const auto& each : messages) loop_.start(insert(*mailboxes_, each, new_email(each), finished));
  loop_.run_until([&] { return finished == 6; });
  EXPECT_THAT(uids(), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ExpungeTest, CopyInAnotherMailbox_KeepsTheEmail) {
  settle(kAnna, queued());
  ASSERT_TRUE(copy(kInbox, {{1, 1}}, 2).has_value());
  expunge({1}).value();
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllEmails), 1u);
  EXPECT_EQ(blobs_.ids().size(), 1u);
}

// Nobody counts all copies of an email for each piece of an EXPUNGE.
TEST_F(ExpungeTest, ThousandsOfCopiesOfOneEmail_TheLastOneTakesIt) {
  open_account();
  append_one(2);
  append_one(2);
  while (status(2).total < 8'000) ASSERT_TRUE(copy(2, {{1, UINT32_MAX}}, 2).has_value());
  const EmailId email = messages(2, {{1, 1}})[0].email;
  const auto last = static_cast<Uid>(status(2).uid_next - 1);
  ASSERT_TRUE(expunge_in(2, {{2, last}}, false).has_value());
  EXPECT_THAT(uids_in(2), ElementsAre(1));
  EXPECT_TRUE(loop_.run(mailboxes_->email(kAnna, email)).has_value());
  EXPECT_THAT(verify(), IsEmpty());
  ASSERT_TRUE(expunge_in(2, {{1, 1}}, false).has_value());
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllEmails), 0u);
}

TEST_F(ExpungeTest, SharedBlob_StaysForTheOther) {
  const Queued message = queued();
  const auto anna = deliver(kAnna, message).value();
  const auto bert = deliver(kBert, message, "bert@example.org").value();
  complete(message, {{kAnna, anna.email}, {kBert, bert.email}});
  expunge({1}, kAnna).value();
  EXPECT_TRUE(blobs_.contains(message.blob));
  EXPECT_THAT(verify(kBert), IsEmpty());
  expunge({1}, kBert).value();
  EXPECT_FALSE(blobs_.contains(message.blob));
}

TEST_F(ExpungeTest, BeforeTheQueueHandsOver_TheBlobWaits) {
  const Queued message = queued();
  const auto done = deliver(kAnna, message).value();
  EXPECT_EQ(expunge({1}).value(), 1u);  // the reader is faster than the queue
  EXPECT_TRUE(blobs_.contains(message.blob));
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 1u);
  complete(message, {{kAnna, done.email}});
  EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 1u);
  loop_.run(mailboxes_->forget_delivery(kAnna, message.id, kAnnaAddress));
  EXPECT_FALSE(blobs_.contains(message.blob));
  EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 0u);
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
}

TEST_F(ExpungeTest, StillWaitingForOthers_TheBlobStaysUntilTheNextTime) {
  const Queued message = queued();
  const auto done = deliver(kAnna, message).value();
  // one recipient is done and handed over, another is tried again later
  put(shard(message.id), Keyspace::waiting, message_key(message.id), "waiting");
  complete(message, {{kAnna, done.email}});
  loop_.run(mailboxes_->forget_delivery(kAnna, message.id, kAnnaAddress));
  expunge({1}).value();
  EXPECT_TRUE(blobs_.contains(message.blob));
  store::Batch gone;
  gone.erase(Keyspace::waiting, message_key(message.id));
  ASSERT_TRUE(loop_.run(engine_.write(shard(message.id), std::move(gone))).ok());
  ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
  EXPECT_FALSE(blobs_.contains(message.blob));
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
}

TEST_F(ExpungeTest, PowerCutAtEveryWrite_NothingIsLostOrLeaked) {
  for (std::uint64_t at = 1; at <= 4; ++at) {
    for (const auto failure : {testing::MemoryEngine::Failure::lost, testing::MemoryEngine::Failure::applied}) {
      SCOPED_TRACE(at);
      const Queued message = queued();
      const auto done = settle(kAnna, message);
      engine_.fail_at(at, failure);
      ignore(expunge({done.uid}), "it may fail");
      engine_.crash_at_random(random_);
      restart();
      ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
      EXPECT_THAT(verify(), IsEmpty());
      const bool there = !uids().empty();
      EXPECT_EQ(blobs_.contains(message.blob), there);
      EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
      if (there) EXPECT_EQ(expunge({done.uid}).value(), 1u);
      EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 0u);
    }
  }
}

TEST_F(ExpungeTest, OutboxFails_TheMessageIsGoneAllTheSame) {
  const Queued message = queued();
  settle(kAnna, message);
  engine_.fail_at(2, testing::MemoryEngine::Failure::full);  // the reference's erasure
  EXPECT_EQ(expunge({1}).value(), 1u);
  EXPECT_THAT(uids(), IsEmpty());
  EXPECT_TRUE(blobs_.contains(message.blob));
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna, kBert})), 0u);
  EXPECT_FALSE(blobs_.contains(message.blob));
}

TEST_F(ExpungeTest, RemovedAccount_IsErasedWhole) {
  const Queued kept = queued(), alone = queued(), pending = queued();
  const auto anna = deliver(kAnna, kept).value();
  const auto bert = deliver(kBert, kept, "bert@example.org").value();
  complete(kept, {{kAnna, anna.email}, {kBert, bert.email}});
  settle(kAnna, alone);
  const auto waits = deliver(kAnna, pending).value();
  remove_account(kAnna);

  ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox), 0u);
  EXPECT_EQ(rows(kAnna, Keyspace::delivered), 0u);
  EXPECT_TRUE(blobs_.contains(kept.blob));
  EXPECT_FALSE(blobs_.contains(alone.blob));
  EXPECT_TRUE(blobs_.contains(pending.blob));  // the queue still has it
  EXPECT_EQ(engine_.dump(store::kDirectoryPartition, Keyspace::outbox).size(), 1u);

  complete(pending, {{kAnna, waits.email}});
  loop_.run(mailboxes_->forget_delivery(kAnna, pending.id, kAnnaAddress));
  EXPECT_FALSE(blobs_.contains(pending.blob));
  EXPECT_EQ(engine_.dump(store::kDirectoryPartition, Keyspace::outbox).size(), 0u);
  EXPECT_EQ(deliver(kAnna, queued()).error().cause, Error::Cause::not_found);
  EXPECT_THAT(verify(kBert), IsEmpty());
}

TEST_F(ExpungeTest, RemovedAccount_PowerCutAtEveryWrite_EndsErased) {
  for (std::uint64_t at = 1; at <= 7; ++at) {
    SCOPED_TRACE(at);
    const auto account = static_cast<directory::AccountId>(100 + at);
    const Queued message = queued();
    settle(account, message);
    remove_account(account);
    engine_.fail_at(at, testing::MemoryEngine::Failure::lost);
    ignore(loop_.run(mailboxes_->apply_outbox(account)), "it may fail");
    engine_.crash_at_random(random_);
    restart();
    ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(account)).has_value());
    EXPECT_EQ(rows(account, Keyspace::mailbox), 0u);
    EXPECT_FALSE(blobs_.contains(message.blob));
    EXPECT_EQ(engine_.rows(Keyspace::blob_refs), 0u);
    EXPECT_EQ(engine_.rows(Keyspace::outbox), 0u);
  }
}

TEST_F(ExpungeTest, NotesThatACrashLeft_AreSwept) {
  const Queued done = queued(), open = queued();
  const auto delivered = deliver(kAnna, done).value();
  deliver(kAnna, open).value();
  complete(done, {{kAnna, delivered.email}});
  EXPECT_EQ(rows(kAnna, Keyspace::delivered), 2u);
  restart();
  EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna})), 0u);
  EXPECT_EQ(rows(kAnna, Keyspace::delivered), 1u);  // of the one that is still queued
  EXPECT_TRUE(deliver(kAnna, open).value().already);
  engine_.crash_forgetting_all();
  restart();
  EXPECT_TRUE(engine_.dump(shard(done.id), Keyspace::fresh).size() == 1u);  // the completion was synced before its note went
}

TEST_F(ExpungeTest, Verify_SaysWhatIsWrong) {
  const auto done = settle(kAnna, queued());
  settle(kAnna, queued());
  auto spoil = [&](std::string key, std::string value, std::string_view sentence) {
    SCOPED_TRACE(sentence);
    const auto part = directory::partition_of(kAnna);
    const auto before = loop_.run(engine_.get(part, Keyspace::mailbox, key)).value();
    put(part, Keyspace::mailbox, key, std::move(value));
    EXPECT_THAT(verify(), Contains(HasSubstr(sentence)));
    if (before) {
      put(part, Keyspace::mailbox, key, before->value);
    } else {
      store::Batch batch;
      batch.erase(Keyspace::mailbox, key);
      ASSERT_TRUE(loop_.run(engine_.write(part, std::move(batch))).ok());
    }
    EXPECT_THAT(verify(), IsEmpty());
  };
  spoil(messages_key(1, 0), page_with(1, 9, Membership{.email = 99, .modseq = 1, .size = 5}), "names email 99, which does not exist");
  spoil(messages_key(1, 0), page_with(1, 1, Membership{.email = done.email, .modseq = 1, .size = 5}), "says 5 octets");
  spoil(messages_key(1, 0), page_with(1, 1, Membership{.email = done.email, .modseq = 70, .size = 5}),
        "has modseq 70, the change log does not");
  spoil(messages_key(1, 0), "rubbish", "page 0 of the messages of mailbox 1 cannot be read");
  spoil(by_email_key(done.email, 3, 3), "", "lists message 3 of mailbox 3, which is not there");
  spoil(expunged_key(77), encode(ExpungedRow{1, {{1, done.email, 1}}}), "although change 77 expunged it");
  spoil(changed_key(77), "rubbish", "change 77 cannot be read");
  spoil(page_key(1, 0), UidPage().encode(), "the UID pages of mailbox 1 differ");
  spoil(mailbox_key(1), encode(MailboxRow{"INBOX", 5, 1, 2, 9, 9, 9}), "says 9 messages, 2 are there");
  spoil(mailbox_key(1), encode(MailboxRow{"INBOX", 5, 1, 2, 2, 2, 9}), "would give UID 1 again");
  spoil(std::string(kAccountKey), encode(AccountRow{2, 1, 1, 2, 9}), "would be given again");
  spoil(email_key(50), encode(EmailRow{{"", blobs_.ids().at(0), 1, {}, 0}, 1, {}}), "email 50 is in no mailbox");
}

TEST_F(ExpungeTest, Verify_MissesReferencesAndBytes) {
  is_damaged_ = true;
  const Queued message = queued();
  const auto done = settle(kAnna, message);
  store::Batch batch;
  batch.erase(Keyspace::blob_refs, blob_ref_key(message.blob, kAnna, done.email));
  ASSERT_TRUE(loop_.run(engine_.write(shard(message.id), std::move(batch))).ok());
  EXPECT_THAT(verify(), Contains(HasSubstr("has no reference to its blob")));
  blobs_.drop(message.blob);
  EXPECT_THAT(verify(), Contains(HasSubstr("cannot be read")));
}

}  // namespace
}  // namespace godwit::mailbox
