// Appends whose bytes are on their way while their rows are written: power cuts between, failures of either, what others do meanwhile.

#include <algorithm>
#include <set>

#include "state/mailbox/messages_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AppendTest : public MessagesTest {
 protected:
  // Written and not synced; the test pins it until it lets go of the writers.
  NewMessage on_its_way(std::string body = "Subject: w\r\n\r\n") {
    auto& writer = writers_.emplace_back(blobs_.begin(directory::partition_of(kAnna), 0));
    const std::uint64_t size = body.size();
    const auto blob = loop_.run(write_unsynced(*writer, std::move(body))).value();
    NewMessage message{{"", blob, size, loop_.clock().now()}, 0, {}};
    message.bytes = writer.get();
    return message;
  }
  static Task<Result<store::BlobId>> write_unsynced(store::BlobWriter& writer, std::string body) {
    GODWIT_CO_TRY(co_await writer.append(body));
    co_return co_await writer.finish();
  }
  std::vector<NewMessage> several_on_their_way(std::size_t count) {
    std::vector<NewMessage> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(on_its_way());
    return out;
  }
  // Begins it; its answer comes when the syncs do.
  std::shared_ptr<std::optional<Result<Appended>>> begin(MailboxNumber mailbox, std::vector<NewMessage> messages) {
    auto answer = std::make_shared<std::optional<Result<Appended>>>();
    loop_.start(run(*mailboxes_, mailbox, std::move(messages), answer));
    loop_.poll();
    return answer;
  }
  static Task<> run(Mailboxes& mailboxes, MailboxNumber mailbox, std::vector<NewMessage> messages,
                    std::shared_ptr<std::optional<Result<Appended>>> answer) {
    const Quota unlimited;
    *answer = co_await mailboxes.append(kAnna, mailbox, std::move(messages), unlimited);
  }

  // Rows stay, of the bytes only what was synced.
  void cut_power() {
    engine_.crash_keeping_all();
    blobs_.crash();
    restart();
    writers_.clear();
  }
  void start() { EXPECT_EQ(loop_.run(mailboxes_->apply_outboxes({kAnna, kBert})), 0u); }

  AccountRow account_row() {
    for (const auto& row : engine_.dump(directory::partition_of(kAnna), Keyspace::mailbox))
      if (row.key == kAccountKey) return decode_account(row.value).value();
    return {};
  }
  EmailId unproven() { return account_row().unproven_email; }
  bool can_be_read(MailboxNumber mailbox, Uid uid) {
    const auto email = loop_.run(mailboxes_->email(kAnna, messages(mailbox, {{uid, uid}}).at(0).email)).value();
    return loop_.run(blobs_.read(email.blob, 0, 100)).has_value();
  }

  std::vector<std::unique_ptr<store::BlobWriter>> writers_;
};

TEST_F(AppendTest, AnswersWhenTheBytesAreDurable_OthersSeeItBefore) {
  blobs_.hold_syncs(true);
  const auto answer = begin(box_, several_on_their_way(2));
  EXPECT_FALSE(answer->has_value());
  EXPECT_THAT(uids_in(box_), ElementsAre(1, 2));
  EXPECT_TRUE(can_be_read(box_, 2));
  EXPECT_EQ(unproven(), 1u);
  blobs_.hold_syncs(false);
  loop_.poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_THAT((*answer)->value().uids, ElementsAre(1, 2));
  append_one(box_);
  EXPECT_EQ(unproven(), 0u);
}

TEST_F(AppendTest, TheRowNamesTheLowestOnItsWay) {
  append_one(box_);
  const Queued delivered = queued();
  blobs_.hold_syncs(true);
  const auto first = begin(box_, several_on_their_way(1));
  const auto second = begin(kInbox, several_on_their_way(1));
  settle(kAnna, delivered);
  EXPECT_EQ(unproven(), 2u);
  blobs_.hold_syncs(false);
  loop_.poll();
  EXPECT_TRUE(first->has_value() && second->has_value());
  settle(kAnna, queued());
  EXPECT_EQ(unproven(), 0u);
}

TEST_F(AppendTest, PowerCut_WhatHasNoBytesIsTakenOut) {
  append_one(box_);
  blobs_.hold_syncs(true);
  const auto answer = begin(box_, several_on_their_way(2));
  cut_power();
  EXPECT_FALSE(answer->has_value() && (*answer)->has_value());
  const Modseq before = status(box_).highest_modseq;
  open_account();
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
  EXPECT_THAT(changes(box_, before).expunged, ElementsAre(2, 3));
  EXPECT_EQ(status(box_).uid_next, 4u);
  EXPECT_EQ(unproven(), 0u);
  start();
  EXPECT_EQ(rows(kAnna, Keyspace::outbox), 0u);
  EXPECT_EQ(rows(kAnna, Keyspace::blob_refs), 1u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AppendTest, PowerCut_Pop3SeesNothingOfIt) {
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(1));
  cut_power();
  EXPECT_THAT(snapshot().messages, IsEmpty());
  start();
}

TEST_F(AppendTest, PowerCut_TheBackgroundOfAStartDoesItToo) {
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(1));
  cut_power();
  start();
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  EXPECT_THAT(blobs_.ids(), IsEmpty());
}

TEST_F(AppendTest, PowerCut_AStartLooksAtAllBeforeItWritesBytes) {
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(1));
  cut_power();
  EXPECT_EQ(loop_.run(mailboxes_->settle_appends({kAnna, kBert})), 0u);
  settle(kAnna, queued());
  cut_power();
  EXPECT_EQ(loop_.run(mailboxes_->settle_appends({kAnna, kBert})), 0u);
  EXPECT_THAT(uids_in(kInbox), ElementsAre(2));
}

TEST_F(AppendTest, PowerCut_DeliveredToBeforeItIsLookedAt_IsTakenOutAllTheSame) {
  const Queued one = queued();
  const Queued another = queued();
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(1));
  cut_power();
  settle(kAnna, one);
  EXPECT_EQ(unproven(), 1u) << "a batch forgot what the process before it noted";
  cut_power();
  settle(kAnna, another);
  open_account();
  EXPECT_THAT(uids_in(kInbox), ElementsAre(2, 3));
  start();
}

TEST_F(AppendTest, PowerCut_CopiesAndMovesGoWithIt) {
  std::vector<NewMessage> durable = several(1);
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(3));
  ASSERT_TRUE(copy(kInbox, {{1, 3}}, box_).has_value());
  ASSERT_TRUE(copy(kInbox, {{1, 1}}, box_, true).has_value());
  ASSERT_EQ(expunge({2}).value(), 1u);
  ASSERT_TRUE(append(box_, std::move(durable)).has_value());
  cut_power();
  open_account();
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  EXPECT_THAT(uids_in(box_), ElementsAre(5));
  start();
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllEmails), 1u);
}

TEST_F(AppendTest, PowerCut_ManyCopiesAreSeveralBatches) {
  blobs_.hold_syncs(true);
  begin(kInbox, several_on_their_way(1));
  ASSERT_TRUE(copy(kInbox, {{1, 1}}, box_).has_value());
  for (int i = 0; i < 14; ++i) ASSERT_TRUE(copy(box_, {{1, UINT32_MAX}}, box_).has_value());
  ASSERT_EQ(status(box_).total, 16'384u);
  cut_power();
  const std::uint64_t before = engine_.writes();
  open_account();
  EXPECT_GT(engine_.writes() - before, 2u);
  EXPECT_EQ(status(box_).total, 0u);
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  start();
}

TEST_F(AppendTest, PowerCut_WhatHasItsBytesStays) {
  engine_.hold();
  auto messages = several_on_their_way(1);
  loop_.start(run(*mailboxes_, box_, std::move(messages), std::make_shared<std::optional<Result<Appended>>>()));
  loop_.poll();
  ASSERT_TRUE(loop_.run(writers_[0]->synced()).has_value());
  cut_power();  // the row reached the disk, nobody was told
  EXPECT_EQ(unproven(), 1u);
  start();
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
  EXPECT_TRUE(can_be_read(box_, 1));
  EXPECT_EQ(unproven(), 0u) << "looked at once and for all";
}

TEST_F(AppendTest, DamageIsNotTakenForAnAppendThatHasNotEnded) {
  const auto answer = begin(box_, several_on_their_way(1));
  ASSERT_TRUE((*answer)->has_value());
  EXPECT_EQ(unproven(), 1u) << "the last batch knew no better";
  blobs_.damage_blob(blobs_.ids().at(0));
  cut_power();
  start();
  EXPECT_THAT(uids_in(box_), ElementsAre(1)) << "a sync mark vouches for it";
}

TEST_F(AppendTest, BytesThatWereLookedAtAndAreLostLater_AreDamage) {
  engine_.hold();
  loop_.start(run(*mailboxes_, box_, several_on_their_way(1), std::make_shared<std::optional<Result<Appended>>>()));
  loop_.poll();
  const store::BlobId other = loop_.run(write_own_blob(blobs_, kBert, "x")).value();  // before it no mark vouches for anything
  ASSERT_TRUE(loop_.run(writers_[0]->synced()).has_value());
  cut_power();
  start();
  const auto email = loop_.run(mailboxes_->email(kAnna, messages(box_).at(0).email)).value();
  EXPECT_LT(email.blob.offset, other.offset);
  blobs_.damage_blob(email.blob);
  cut_power();
  start();
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
}

TEST_F(AppendTest, BytesThatCannotBeReadForAMoment_AreLookedAtAgain) {
  blobs_.hold_syncs(true);
  begin(box_, several_on_their_way(1));
  cut_power();
  engine_.fail_at(1, testing::MemoryEngine::Failure::full);  // the batch that takes it out
  open_account();
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
  open_account();
  EXPECT_THAT(uids_in(box_), IsEmpty());
  start();
}

TEST_F(AppendTest, TheSyncFails_NothingIsKept) {
  append_one(box_);
  blobs_.fail_syncs(true);
  const auto answer = begin(box_, several_on_their_way(2));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error().cause, Error::Cause::io);
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
  EXPECT_THAT(blobs_.ids(), SizeIs(1));
  EXPECT_EQ(rows(kAnna, Keyspace::blob_refs), 1u);
  blobs_.fail_syncs(false);
  append_one(box_);
  EXPECT_EQ(unproven(), 0u);
}

TEST_F(AppendTest, TheSyncFailsOfOneThatWasExpungedMeanwhile) {
  blobs_.hold_syncs(true);
  const auto answer = begin(kInbox, several_on_their_way(2));
  ASSERT_TRUE(copy(kInbox, {{2, 2}}, box_, true).has_value());
  ASSERT_EQ(expunge({1}).value(), 1u);
  blobs_.fail_syncs(true);
  blobs_.hold_syncs(false);
  loop_.poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_FALSE((*answer)->has_value());
  EXPECT_THAT(uids_in(kInbox), IsEmpty());
  EXPECT_THAT(uids_in(box_), IsEmpty());
}

TEST_F(AppendTest, TheSyncFailsAndSoDoesTakingItOut_TheNextStartDoesIt) {
  const Queued delivered = queued();
  blobs_.hold_syncs(true);
  const auto answer = begin(box_, several_on_their_way(1));
  blobs_.fail_syncs(true);
  engine_.fail_at(1, testing::MemoryEngine::Failure::full);
  blobs_.hold_syncs(false);
  loop_.poll();
  ASSERT_TRUE(answer->has_value());
  EXPECT_FALSE((*answer)->has_value());
  EXPECT_THAT(uids_in(box_), ElementsAre(1));
  settle(kAnna, delivered);
  EXPECT_EQ(unproven(), 1u);
  cut_power();
  start();
  EXPECT_THAT(uids_in(box_), IsEmpty());
}

TEST_F(AppendTest, OverQuotaOrRefused_HoldsNothing) {
  append_one(box_);
  EXPECT_TRUE(append(box_, several_on_their_way(1), {0, 1}).value().over_quota);
  EXPECT_EQ(append(99, several_on_their_way(1)).error().cause, Error::Cause::not_found);
  append_one(box_);
  EXPECT_EQ(unproven(), 0u);
}

// The power goes at any write of appends that overtake each other; what was answered is there with its bytes, what is there has its bytes.
class AppendCrashTest : public AppendTest, public ::testing::WithParamInterface<int> {};

TEST_P(AppendCrashTest, WhatWasAnsweredIsThere_WhatIsThereHasItsBytes) {
  random_ = testing::SeededRandom(static_cast<std::uint64_t>(7'000 + GetParam()));
  std::set<store::BlobId> answered;
  for (int crash = 0; crash < 6; ++crash) {
    start();
    std::vector<std::pair<std::vector<store::BlobId>, std::shared_ptr<std::optional<Result<Appended>>>>> open;
    engine_.fail_at(1 + random_.below(12),
                    random_.below(2) == 0 ? testing::MemoryEngine::Failure::lost : testing::MemoryEngine::Failure::hang);
    for (int i = 0; i < 8; ++i) {
      blobs_.hold_syncs(random_.below(3) == 0);
      auto messages = several_on_their_way(1 + random_.below(3));
      std::vector<store::BlobId> blobs;
      for (const auto& each : messages) blobs.push_back(each.email.blob);
      open.emplace_back(std::move(blobs), begin(random_.below(2) == 0 ? kInbox : box_, std::move(messages)));
    }
    for (const auto& [blobs, answer] : open)
      if (*answer && (*answer)->has_value()) answered.insert(blobs.begin(), blobs.end());
    engine_.crash_at_random(random_);
    loop_.poll();
    blobs_.crash();
    restart();
    writers_.clear();
    open_account();
    std::set<store::BlobId> there;
    for (const MailboxNumber mailbox : {kInbox, box_}) {
      for (const auto& each : messages(mailbox)) {
        const auto email = loop_.run(mailboxes_->email(kAnna, each.email)).value();
        EXPECT_TRUE(loop_.run(blobs_.size(email.blob)).has_value()) << "there without its bytes";
        there.insert(email.blob);
      }
    }
    EXPECT_TRUE(std::ranges::includes(there, answered)) << "answered and lost";
    start();
    EXPECT_THAT(verify(), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AppendCrashTest, ::testing::Range(0, 60));

}  // namespace
}  // namespace godwit::mailbox
