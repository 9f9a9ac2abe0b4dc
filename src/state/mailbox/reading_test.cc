#include "state/mailbox/messages_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using How = FlagChange::How;
class ReadingTest : public MessagesTest {};

// --- Changes

TEST_F(ReadingTest, Changes_TellWhatHappened) {
  for (int i = 0; i < 4; ++i) append_one(box_);
  const Modseq since = status(box_).highest_modseq;
  EXPECT_THAT(changes(box_, since).messages, IsEmpty());
  append_one(kInbox);
  append_one(box_);
  append_one(box_);
  ASSERT_TRUE(change_flags(box_, {{2, 2}}, {How::add, kSeen, {}}).has_value());
  ASSERT_TRUE(expunge_in(box_, {{1, 1}, {5, 5}}, false).has_value());
  const Changes seen = changes(box_, since);
  EXPECT_TRUE(seen.complete);
  EXPECT_EQ(seen.modseq, status(box_).highest_modseq);
  EXPECT_THAT(seen.expunged, ElementsAre(1, 5));  // 5 came and went
  ASSERT_EQ(seen.messages.size(), 2u);
  EXPECT_EQ(seen.messages[0].uid, 2u);
  EXPECT_EQ(seen.messages[1].uid, 6u);
  EXPECT_EQ(changes(box_, 0).messages.size(), 4u);
  EXPECT_EQ(loop_.run(mailboxes_->changes(kAnna, 99, 0)).error().cause, Error::Cause::not_found);
}

TEST_F(ReadingTest, Log_ForgetsDownToAFloor) {
  Modseq first = status(box_).highest_modseq;
  const Mailbox inbox = status(kInbox);
  std::uint64_t gone = 0;
  for (int round = 0; round < 15; ++round) {
    ASSERT_TRUE(append(box_, several(800)).has_value());
    gone += expunge_in(box_, {{1, UINT32_MAX}}, false).value().size();
  }
  EXPECT_EQ(gone, 12'000u);
  EXPECT_LE(rows(kAnna, Keyspace::mailbox, kAllChanged) + rows(kAnna, Keyspace::mailbox, kAllExpunged), 50u);
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_FALSE(changes(box_, first).complete);
  const Modseq late = status(box_).highest_modseq - 1'000;
  EXPECT_TRUE(changes(box_, late).complete);
  EXPECT_EQ(changes(box_, late).expunged.size(), 1'000u - 200u);
  EXPECT_TRUE(changes(kInbox, inbox.highest_modseq).complete);  // nothing has changed there
}

TEST_F(ReadingTest, Log_OfManyChanges_IsMerged) {
  for (int i = 0; i < 3; ++i) append_one(box_);
  const Modseq first = status(box_).highest_modseq;
  ASSERT_TRUE(create("Gone").has_value());
  const MailboxNumber gone = number("Gone");
  append_one(gone);
  ASSERT_TRUE(remove("Gone").has_value());
  for (int i = 0; i < 3'000; ++i) {
    const FlagChange change{i % 2 == 0 ? FlagChange::How::add : FlagChange::How::remove, kFlagged, {}};
    ASSERT_TRUE(change_flags(box_, {{2, 2}}, change).has_value());
  }
  EXPECT_LE(rows(kAnna, Keyspace::mailbox, kAllChanged), 1'200u);
  const Changes seen = changes(box_, first);
  ASSERT_EQ(seen.messages.size(), 1u);
  EXPECT_EQ(seen.messages[0].uid, 2u);
  EXPECT_EQ(changes(box_, 0).messages.size(), 3u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(ReadingTest, Log_MergedByTheBatchThatRemovesAMailbox_ItStaysGone) {
  append_one(box_);
  ASSERT_TRUE(create("Gone").has_value());
  const auto changes_now = [this] {
    const auto row = loop_.run(engine_.get(directory::partition_of(kAnna), Keyspace::mailbox, std::string(kAccountKey))).value();
    return decode_account(row->value).value().changes;
  };
  for (int i = 0; changes_now() < 1'025; ++i)
    ASSERT_TRUE(change_flags(box_, {{1, 1}}, {i % 2 == 0 ? FlagChange::How::add : FlagChange::How::remove, kFlagged, {}}).has_value());
  open();  // nothing is known of the other mailboxes
  ASSERT_TRUE(remove("Gone").has_value());
  EXPECT_LT(changes_now(), 200u);
  EXPECT_TRUE(create("Gone").has_value());
  EXPECT_THAT(verify(), IsEmpty());
}

// It is a hint; mail goes on coming without it.
TEST_F(ReadingTest, LogThatCannotBeRead_KeepsNoChangeFromBeingWritten) {
  is_damaged_ = true;
  append_one(box_);
  put(directory::partition_of(kAnna), Keyspace::mailbox, changed_key(1), "rubbish");
  for (int i = 0; i < 1'100; ++i)
    ASSERT_TRUE(change_flags(box_, {{1, 1}}, {i % 2 == 0 ? FlagChange::How::add : FlagChange::How::remove, kFlagged, {}}).has_value());
  EXPECT_EQ(append_one(box_), 2u);
}

// --- Reading

TEST_F(ReadingTest, Messages_ByAnyRanges) {
  for (int i = 0; i < 50; ++i) append_one(box_);
  ASSERT_TRUE(expunge_in(box_, {{3, 5}}, false).has_value());
  std::vector<Uid> seen;
  for (const auto& each : messages(box_, {{1, 1}, {3, 7}, {9, 9}, {40, 41}, {60, UINT32_MAX}})) seen.push_back(each.uid);
  EXPECT_THAT(seen, ElementsAre(1, 6, 7, 9, 40, 41));
  EXPECT_THAT(messages(box_, {}), IsEmpty());
  EXPECT_EQ(loop_.run(mailboxes_->messages(kAnna, 99, {{1, 1}})).error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop_.run(mailboxes_->uids(kAnna, box_)).value().count(), 47u);
  EXPECT_EQ(loop_.run(mailboxes_->uids(kAnna, box_)).value().ranges().size(), 2u);
}

TEST_F(ReadingTest, LostPage_IsMadeAnewWhenRead) {
  for (int i = 0; i < 5; ++i) append_one(box_);
  store::Batch batch;
  batch.erase(Keyspace::mailbox, page_key(box_, 0));
  ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(kAnna), std::move(batch))).ok());
  EXPECT_EQ(loop_.run(mailboxes_->uids(kAnna, box_)).value().count(), 5u);
}

TEST_F(ReadingTest, FirstUnseen) {
  EXPECT_EQ(loop_.run(mailboxes_->first_unseen(kAnna, box_)).value(), std::nullopt);
  for (int i = 0; i < 150; ++i) append_one(box_, i == 120 ? 0 : kSeen);
  EXPECT_EQ(loop_.run(mailboxes_->first_unseen(kAnna, box_)).value(), 121u);
}

TEST_F(ReadingTest, Recent_IsClaimedOnce) {
  append_one(box_);
  append_one(box_);
  auto first_recent = [this](bool claim) { return loop_.run(mailboxes_->first_recent(kAnna, box_, claim)).value(); };
  EXPECT_EQ(first_recent(false), 1u);
  EXPECT_EQ(first_recent(true), 1u);
  EXPECT_EQ(first_recent(true), 3u);
  append_one(box_);
  EXPECT_EQ(first_recent(false), 3u);
  EXPECT_EQ(first_recent(true), 3u);
  EXPECT_EQ(first_recent(false), 4u);
  EXPECT_EQ(loop_.run(mailboxes_->first_recent(kAnna, 99, true)).error().cause, Error::Cause::not_found);
}

TEST_F(ReadingTest, Emails_InTheOrderAskedFor) {
  append_one(box_);
  append_one(box_);
  const auto seen = messages(box_);
  const auto got = loop_.run(mailboxes_->emails(kAnna, {seen[1].email, 99, seen[0].email})).value();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0]->thread, seen[1].email);
  EXPECT_FALSE(got[1].has_value());
  EXPECT_EQ(got[2]->size(), seen[0].size);
}

// --- Threads

TEST_F(ReadingTest, Threads_ByReferencesInAnyOrder) {
  append_one(box_, 0, {}, {"b", "a"});       // an answer, before what it answers
  append_one(box_, 0, {}, {"x"});            // a stranger
  append_one(box_, 0, {}, {"a"});            // the beginning
  append_one(box_, 0, {}, {"c", "a", "b"});  // the third
  append_one(box_, 0, {}, {"", "c"});        // without an id of its own
  append_one(box_, 0, {}, {""});
  EXPECT_EQ(thread_of(box_, 1), messages(box_)[0].email);
  for (const Uid uid : {3u, 4u, 5u}) EXPECT_EQ(thread_of(box_, uid), thread_of(box_, 1)) << uid;
  EXPECT_NE(thread_of(box_, 2), thread_of(box_, 1));
  EXPECT_NE(thread_of(box_, 6), thread_of(box_, 1));
}

TEST_F(ReadingTest, Threads_OutliveTheirFirstEmail_AndGoWithTheLast) {
  append_one(box_, 0, {}, {"a"});
  append_one(box_, 0, {}, {"b", "a"});
  const ThreadId thread = thread_of(box_, 1);
  ASSERT_TRUE(expunge_in(box_, {{1, 1}}, false).has_value());
  append_one(box_, 0, {}, {"c", "a"});
  EXPECT_EQ(thread_of(box_, 3), thread);
  ASSERT_TRUE(expunge_in(box_, {{2, 3}}, false).has_value());
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllThreads), 0u);
  append_one(box_, 0, {}, {"d", "a"});
  EXPECT_NE(thread_of(box_, 4), thread);
}

TEST_F(ReadingTest, Threads_LookAtTwentyIds) {
  std::vector<std::string> ids(1, "own");
  for (int i = 0; i < 100; ++i) ids.push_back("r" + std::to_string(i));
  append_one(box_, 0, {}, ids);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllThreads), 20u);
  append_one(box_, 0, {}, {"r99"});
  append_one(box_, 0, {}, {"r5"});
  EXPECT_EQ(thread_of(box_, 2), thread_of(box_, 1));
  EXPECT_NE(thread_of(box_, 3), thread_of(box_, 1));
}

// --- The feed

TEST_F(ReadingTest, Feed_TellsWhoWatches) {
  int calls = 0;
  auto watch = mailboxes_->feed().watch(kAnna, loop_.executor(), [&calls] { ++calls; });
  auto other = mailboxes_->feed().watch(kBert, loop_.executor(), [] { FAIL(); });
  const auto before = watch->changes();
  append_one(box_);
  loop_.poll();
  EXPECT_EQ(calls, 1);
  EXPECT_GT(watch->changes(), before);
  ASSERT_TRUE(change_flags(box_, {{1, 1}}, {How::add, kSeen, {}}).has_value());
  ASSERT_TRUE(change_flags(box_, {{1, 1}}, {How::add, kSeen, {}}).has_value());  // nothing
  loop_.poll();
  EXPECT_EQ(calls, 2);
  mailboxes_->feed().changed(kAnna);
  mailboxes_->feed().changed(kAnna);
  const auto last = watch->changes();
  watch.reset();  // while a call is on its way
  loop_.poll();
  EXPECT_EQ(calls, 2);
  watch = mailboxes_->feed().watch(kAnna, loop_.executor(), [] {});
  EXPECT_GE(watch->changes(), last);
  other.reset();
}

}  // namespace
}  // namespace godwit::mailbox
