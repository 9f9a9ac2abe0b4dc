#include <atomic>
#include <set>
#include <thread>

#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DeliverTest : public MailboxFixture {
 protected:
  // Starts a delivery that runs beside others.
  void start(directory::AccountId account, const Queued& message, std::string recipient = kAnnaAddress) {
    loop_.start(run_one(*mailboxes_, account, message.id, std::move(recipient), new_email(message), results_));
  }
  static Task<> run_one(Mailboxes& mailboxes, directory::AccountId account, MessageId id, std::string recipient, NewEmail email,
                        std::vector<Result<Delivered>>& results) {
    auto result = co_await mailboxes.deliver(account, id, std::move(recipient), std::move(email));
    results.push_back(std::move(result));
  }
  void wait_for(std::size_t count) {
    loop_.run_until([&] { return results_.size() == count; });
  }

  std::vector<Result<Delivered>> results_;
};

TEST_F(DeliverTest, FirstMessage_MakesTheMailbox) {
  EXPECT_EQ(snapshot().uid_validity, 0u);
  EXPECT_THAT(snapshot().messages, IsEmpty());
  const Queued message = queued();
  const auto done = deliver(kAnna, message);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->uid, 1u);
  EXPECT_FALSE(done->already);

  const Snapshot seen = snapshot();
  EXPECT_NE(seen.uid_validity, 0u);
  EXPECT_EQ(seen.uid_next, 2u);
  ASSERT_EQ(seen.messages.size(), 1u);
  EXPECT_EQ(seen.messages[0].uid, 1u);
  EXPECT_EQ(seen.messages[0].size, message.size + std::string("Return-Path: <>\r\n").size());
  EXPECT_EQ(seen.messages[0].flags, 0);
  EXPECT_EQ(seen.messages[0].modseq, seen.highest_modseq);

  const auto email = loop_.run(mailboxes_->email(kAnna, seen.messages[0].email)).value();
  EXPECT_EQ(email.blob, message.blob);
  EXPECT_EQ(email.blob_size, message.size);
  EXPECT_EQ(email.prefix, "Return-Path: <>\r\n");
  EXPECT_EQ(email.received, loop_.clock().now());
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, SameMessageAgain_IsKnown) {
  const Queued message = queued();
  const auto first = deliver(kAnna, message).value();
  const auto second = deliver(kAnna, message).value();
  EXPECT_TRUE(second.already);
  EXPECT_EQ(second.uid, first.uid);
  EXPECT_EQ(second.email, first.email);
  EXPECT_THAT(uids(), ElementsAre(1));
}

TEST_F(DeliverTest, SameMessage_OtherRecipientOfTheAccount_IsAnotherCopy) {
  const Queued message = queued();
  EXPECT_FALSE(deliver(kAnna, message).value().already);
  EXPECT_FALSE(deliver(kAnna, message, "anna+tag@example.org").value().already);
  EXPECT_FALSE(deliver(kBert, message, "bert@example.org").value().already);
  EXPECT_THAT(uids(), ElementsAre(1, 2));
  EXPECT_THAT(uids(kBert), ElementsAre(1));
}

TEST_F(DeliverTest, Mail_SurvivesAPowerCut) {
  const Queued message = queued();
  const auto first = deliver(kAnna, message).value();
  engine_.crash_forgetting_all();
  restart();
  EXPECT_THAT(uids(), ElementsAre(first.uid));
  EXPECT_TRUE(deliver(kAnna, message).value().already);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, PowerCutAtEveryWrite_NeverTwiceNeverTorn) {
  const Queued one = queued();
  const Queued two = queued();
  for (const auto failure : {testing::MemoryEngine::Failure::lost, testing::MemoryEngine::Failure::applied}) {
    deliver(kAnna, one).value();
    engine_.fail_at(1, failure);
    const auto broken = deliver(kAnna, two);
    ASSERT_FALSE(broken.has_value());
    EXPECT_EQ(broken.error().kind, Error::Kind::temporary);
    engine_.crash_at_random(random_);
    restart();
    const auto again = deliver(kAnna, two).value();
    EXPECT_THAT(uids(), ElementsAre(1, 2));
    EXPECT_EQ(again.uid, 2u);
    EXPECT_THAT(verify(), IsEmpty());
  }
}

TEST_F(DeliverTest, TwentyAtOnce_ShareBatches) {
  std::vector<Queued> messages;
  for (int i = 0; i < 20; ++i) messages.push_back(queued());
  const std::uint64_t before = engine_.writes();
  for (const auto& each : messages) start(kAnna, each);
  wait_for(20);
  std::set<Uid> seen;
  for (const auto& each : results_) {
    ASSERT_TRUE(each.has_value());
    seen.insert(each->uid);
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_LE(engine_.writes() - before, 2u);  // the first alone, then all that gathered meanwhile
  EXPECT_EQ(uids().size(), 20u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, TwentyAtOnce_SameMessageAndRecipient_IsDeliveredOnce) {
  const Queued message = queued();
  for (int i = 0; i < 20; ++i) start(kAnna, message);
  wait_for(20);
  int fresh = 0;
  for (const auto& each : results_) {
    ASSERT_TRUE(each.has_value());
    EXPECT_EQ(each->uid, 1u);
    fresh += each->already ? 0 : 1;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_THAT(uids(), ElementsAre(1));
}

TEST_F(DeliverTest, GroupWithOneDuplicate_DeliversTheOthers) {
  const Queued old = queued();
  deliver(kAnna, old).value();
  engine_.hold();
  start(kAnna, queued_quietly());
  loop_.poll();
  start(kAnna, old);
  for (int i = 0; i < 3; ++i) start(kAnna, queued_quietly());
  loop_.poll();
  engine_.release();
  wait_for(5);
  int already = 0;
  for (const auto& each : results_) already += each.value().already ? 1 : 0;
  EXPECT_EQ(already, 1);
  EXPECT_EQ(uids().size(), 5u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, LargeGroups_AreCutIntoBatches) {
  std::vector<Queued> messages;
  for (int i = 0; i < 300; ++i) messages.push_back(queued());
  for (const auto& each : messages) {
    NewEmail email = new_email(each);
    email.prefix = "X: " + std::string(8'000, 'x') + "\r\n";
    loop_.start(run_one(*mailboxes_, kAnna, each.id, kAnnaAddress, std::move(email), results_));
  }
  wait_for(300);
  for (const auto& each : results_) EXPECT_TRUE(each.has_value());
  EXPECT_EQ(uids().size(), 300u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, PrefixTooLarge_CostsItselfAlone) {
  engine_.hold();
  start(kAnna, queued_quietly());
  loop_.poll();
  const Queued bad = queued_quietly();
  NewEmail email = new_email(bad);
  email.prefix.assign(50'000, 'x');
  loop_.start(run_one(*mailboxes_, kAnna, bad.id, kAnnaAddress, std::move(email), results_));
  start(kAnna, queued_quietly());
  loop_.poll();
  engine_.release();
  wait_for(3);
  int failed = 0;
  for (const auto& each : results_) {
    if (each) continue;
    ++failed;
    EXPECT_EQ(each.error().cause, Error::Cause::limit);
    EXPECT_EQ(each.error().kind, Error::Kind::permanent);
  }
  EXPECT_EQ(failed, 1);
  EXPECT_THAT(uids(), ElementsAre(1, 2));
}

TEST_F(DeliverTest, AnotherNodeWroteMeanwhile_IsReadAgain) {
  deliver(kAnna, queued()).value();
  Mailboxes other(engine_, blobs_, loop_.clock(), random_);
  engine_.hold();
  start(kAnna, queued_quietly());
  loop_.poll();  // has read, waits for its write
  const Queued theirs = queued_quietly();
  loop_.start(run_one(other, kAnna, theirs.id, kAnnaAddress, new_email(theirs), results_));
  loop_.poll();
  engine_.release();
  wait_for(2);
  EXPECT_TRUE(results_[0].has_value());
  EXPECT_TRUE(results_[1].has_value());
  EXPECT_THAT(uids(), ElementsAre(1, 2, 3));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, RemovedAccount_IsNotFound) {
  deliver(kAnna, queued()).value();
  remove_account(kAnna);
  const auto late = deliver(kAnna, queued());
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop_.run(mailboxes_->snapshot(kAnna, kInbox)).error().cause, Error::Cause::not_found);
}

TEST_F(DeliverTest, RemovedWhileDelivering_NothingGetsIn) {
  deliver(kAnna, queued()).value();
  engine_.hold();
  const Queued late = queued_quietly();
  store::Batch tombstone;
  tombstone.put(Keyspace::directory, std::string(directory::kRemovedKey), "");
  loop_.start(write(engine_, directory::partition_of(kAnna), std::move(tombstone)));
  loop_.poll();
  start(kAnna, late);  // reads before the tombstone is there
  loop_.poll();
  engine_.release();
  wait_for(1);
  ASSERT_FALSE(results_[0].has_value());
  EXPECT_EQ(results_[0].error().cause, Error::Cause::not_found);
}

TEST_F(DeliverTest, FullDisk_DeliveriesGoOn) {
  const Queued message = queued();
  engine_.set_full(true);
  EXPECT_TRUE(deliver(kAnna, message).has_value());
}

TEST_F(DeliverTest, DiskFullInTheEngine_IsTemporary) {
  const Queued message = queued();
  engine_.fail_at(1, testing::MemoryEngine::Failure::full);
  const auto refused = deliver(kAnna, message);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().cause, Error::Cause::full);
  EXPECT_FALSE(deliver(kAnna, message).value().already);
}

TEST_F(DeliverTest, ForgetDelivery_ErasesTheNote) {
  const Queued message = queued();
  settle(kAnna, message);
  EXPECT_EQ(rows(kAnna, Keyspace::delivered), 0u);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, ManyAccounts_DoNotWaitForEachOther) {
  engine_.hold();
  for (directory::AccountId account = 1; account <= 5; ++account) start(account, queued_quietly());
  loop_.poll();
  EXPECT_EQ(engine_.held(), 5u + quiet_);
  engine_.release();
  wait_for(5);
}

// Loops of several threads deliver into one account, as the queue's shards do.
TEST_F(DeliverTest, SeveralThreads_EachMessageOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::vector<std::vector<Queued>> messages(kThreads);
  for (auto& each : messages) {
    for (int i = 0; i < kEach; ++i) each.push_back(queued());
  }
  std::atomic<int> delivered = 0;
  std::vector<std::jthread> threads;
  for (auto& mine : messages) {
    threads.emplace_back([&mine, &delivered, this] {
      testing::TestLoop loop;
      std::vector<Result<Delivered>> results;
      for (const auto& each : mine) {
        NewEmail email{"", each.blob, each.size, {}, {}};
        loop.start(run_one(*mailboxes_, kAnna, each.id, kAnnaAddress, std::move(email), results));
      }
      loop.run_until([&] { return results.size() == mine.size(); });
      for (const auto& each : results) delivered += each && !each->already ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(delivered, kThreads * kEach);
  EXPECT_EQ(uids().size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(DeliverTest, UidPages_CrossTheirBoundary) {
  deliver(kAnna, queued()).value();
  // as if 65,534 messages had come and gone
  const auto row = loop_.run(engine_.get(directory::partition_of(kAnna), Keyspace::mailbox, mailbox_key(kInbox))).value();
  auto inbox = decode_mailbox(row->value);
  ASSERT_TRUE(inbox.has_value()) << inbox.error().text;
  inbox->uid_next = 65'535;
  put(directory::partition_of(kAnna), Keyspace::mailbox, mailbox_key(kInbox), encode(*inbox));
  EXPECT_EQ(deliver(kAnna, queued()).value().uid, 65'535u);
  EXPECT_EQ(deliver(kAnna, queued()).value().uid, 65'536u);
  EXPECT_EQ(deliver(kAnna, queued()).value().uid, 65'537u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, kAllPages), 2u);
  EXPECT_THAT(verify(), IsEmpty());
}

}  // namespace
}  // namespace godwit::mailbox
