#include "service/delivery/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::delivery {
namespace {

using ::testing::HasSubstr;
using Kind = queue::Outcome::Kind;

smtp::Address address(std::string_view text) { return smtp::parse_address(text).value(); }

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    message_.id = MessageId{7u << 23};
    message_.reverse_path = smtp::ReversePath(address("\"a b\"@other.test"));
    message_.prefix = "Received: from x\r\n\tby y\r\n";
    message_.blob = {1'024, 1, 64};
    message_.size = 1'000;
    message_.accepted = loop_.clock().now();
    recipient_.address = address("anna+tag@example.org");
  }

  LocalResult deliver() { return loop_.run(deliver_local(mailboxes_, message_, recipient_, account_, {})); }
  std::string prefix_of(mailbox::Uid uid) {
    const auto seen = loop_.run(mailboxes_.snapshot(account_.id, mailbox::kInbox)).value();
    for (const auto& each : seen.messages) {
      if (each.uid == uid) return loop_.run(mailboxes_.email(account_.id, each.email)).value().prefix;
    }
    return "(no such message)";
  }
  std::size_t count() { return loop_.run(mailboxes_.snapshot(account_.id, mailbox::kInbox)).value().messages.size(); }

  testing::TestLoop loop_;
  testing::MemoryEngine engine_;
  testing::MemoryBlobs blobs_;
  testing::SeededRandom random_{1};
  mailbox::Mailboxes mailboxes_{engine_, blobs_, loop_.clock(), random_};
  directory::Account account_{3, address("anna@example.org"), {}};
  queue::Message message_;
  queue::Recipient recipient_;
};

TEST_F(DeliveryTest, Delivered_HandsTheBlobOver) {
  const auto result = deliver();
  EXPECT_EQ(result.outcome.kind, Kind::delivered);
  EXPECT_EQ(result.outcome.status.text(), "2.1.5");
  EXPECT_EQ(result.outcome.remote, "local");
  EXPECT_THAT(result.outcome.text, HasSubstr("anna+tag@example.org, UID 1"));
  ASSERT_EQ(result.handover.size(), 1u);
  EXPECT_EQ(result.handover[0].blob_ref_key, mailbox::blob_ref_key(message_.blob, 3, 1));
  EXPECT_EQ(prefix_of(1), "Return-Path: <\"a b\"@other.test>\r\nDelivered-To: anna+tag@example.org\r\nReceived: from x\r\n\tby y\r\n");
}

TEST_F(DeliveryTest, Bounce_HasAnEmptyReturnPath) {
  message_.reverse_path = {};
  deliver();
  EXPECT_THAT(prefix_of(1), ::testing::StartsWith("Return-Path: <>\r\n"));
}

TEST_F(DeliveryTest, Alias_LeavesTheOriginal) {
  recipient_.original = "sales@example.org";
  deliver();
  EXPECT_THAT(prefix_of(1), HasSubstr("Delivered-To: anna+tag@example.org\r\nX-Original-To: sales@example.org\r\nReceived:"));
}

TEST_F(DeliveryTest, Original_ThatWouldBreakTheHeader_IsLeftOut) {
  recipient_.original = "x@example.org\r\nBcc: everybody";
  deliver();
  EXPECT_THAT(prefix_of(1), ::testing::Not(HasSubstr("Bcc")));
}

TEST_F(DeliveryTest, Again_IsDeliveredOnceWithTheSameHandover) {
  const auto first = deliver();
  const auto second = deliver();
  EXPECT_EQ(second.outcome.kind, Kind::delivered);
  EXPECT_THAT(second.outcome.text, HasSubstr("was delivered before"));
  EXPECT_EQ(second.handover.at(0).blob_ref_key, first.handover.at(0).blob_ref_key);
  EXPECT_EQ(count(), 1u);
}

TEST_F(DeliveryTest, VanishedAccount_Bounces) {
  store::Batch batch;
  batch.put(store::Keyspace::directory, std::string(directory::kRemovedKey), "");
  ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(account_.id), std::move(batch))).ok());
  const auto result = deliver();
  EXPECT_EQ(result.outcome.kind, Kind::bounced);
  EXPECT_EQ(result.outcome.status.text(), "5.1.1");
  EXPECT_TRUE(result.handover.empty());
}

TEST_F(DeliveryTest, StoreErrors_AreTriedAgain) {
  engine_.fail_at(1, testing::MemoryEngine::Failure::full);
  const auto full = deliver();
  EXPECT_EQ(full.outcome.kind, Kind::deferred);
  EXPECT_EQ(full.outcome.status.text(), "4.3.1");
  engine_.fail_at(1, testing::MemoryEngine::Failure::lost);
  const auto lost = deliver();
  EXPECT_EQ(lost.outcome.kind, Kind::deferred);
  EXPECT_EQ(lost.outcome.status.text(), "4.3.0");
  EXPECT_TRUE(lost.handover.empty());
  engine_.restart();
  EXPECT_EQ(deliver().outcome.kind, Kind::delivered);
}

TEST_F(DeliveryTest, DamagedMailbox_IsNotTheSendersFault) {
  store::Batch batch;
  batch.put(store::Keyspace::mailbox, "a", "\xff\xff");
  ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(account_.id), std::move(batch))).ok());
  const auto result = deliver();
  EXPECT_EQ(result.outcome.kind, Kind::deferred);
  EXPECT_EQ(result.outcome.status.text(), "4.3.0");
}

TEST_F(DeliveryTest, PrefixTooLarge_Bounces) {
  message_.prefix.assign(60'000, 'x');
  const auto result = deliver();
  EXPECT_EQ(result.outcome.kind, Kind::bounced);
  EXPECT_EQ(result.outcome.status.text(), "5.3.4");
}

}  // namespace
}  // namespace godwit::delivery
