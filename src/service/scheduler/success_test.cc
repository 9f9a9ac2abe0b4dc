// Reports of success: delivered, relayed, expanded (RFC 3461 5.2), and that none is lost or sent unasked.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"
#include "state/queue/owed_report.h"

namespace godwit::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr queue::Notify kSuccess{true, false, true, false, false};
constexpr queue::Notify kSuccessAndFailure{true, false, true, true, false};
constexpr queue::Notify kNever{true, true, false, false, false};

Outcome relayed() {
  Outcome outcome = took();
  outcome.success = Outcome::Success::relayed;
  return outcome;
}
Outcome passed_on() {
  Outcome outcome = took();
  outcome.success = Outcome::Success::passed_on;
  return outcome;
}

class SuccessTest : public SchedulerFixture {
 public:
  queue::Message asking(std::vector<std::string> recipients, queue::Notify notify, std::string sender = "anna@local.test") {
    queue::Message what = make(std::move(recipients), std::move(sender));
    for (auto& recipient : what.recipients) recipient.notify = notify;
    return what;
  }
};

// RFC 3461 5.2.3
TEST_F(SuccessTest, LocalDelivery_IsReported) {
  auto what = asking({"bert@local.test"}, kSuccess);
  what.envid = "QQ314159";
  what.ret = queue::Message::Return::full;
  what.recipients[0].orcpt = "rfc822;bert@local.test";
  what.client = "192.0.2.7 (client.test)";
  const auto id = send(std::move(what), "Subject: lunch\r\nMessage-ID: <1@local.test>\r\n\r\nthe secret body\r\n");
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  const auto mail = inbox("anna@local.test");
  ASSERT_THAT(mail, SizeIs(1));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("Return-Path: <>"), HasSubstr("Subject: Delivered: bert@local.test"), HasSubstr("Action: delivered"),
                             HasSubstr("Status: 2."), HasSubstr("Original-Envelope-Id: QQ314159"),
                             HasSubstr("Original-Recipient: rfc822; bert@local.test"), HasSubstr("In-Reply-To: <1@local.test>")));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("Received-From-MTA: dns; client.test ([192.0.2.7])"), HasSubstr("Final-Log-ID: " + id->text()),
                             HasSubstr("Auto-Submitted: auto-replied")));
  EXPECT_THAT(mail[0], Not(HasSubstr("secret")));  // RFC 3461 4.3: RET is about failures
  EXPECT_THAT(trace.last("reported"),
              AllOf(HasSubstr("success report to <anna@local.test>, Message-ID <dsn-"), HasSubstr("@mx1.local.test>")));
  expect_queue_empty();
}

TEST_F(SuccessTest, Unasked_NothingIsSaid) {
  ASSERT_TRUE(send(asking({"bert@local.test", "a@far.test"}, queue::Notify())));
  ASSERT_TRUE(send(asking({"bert@local.test", "a@far.test"}, kNever)));
  ASSERT_TRUE(send(asking({"bert@local.test", "a@far.test"}, {true, false, false, true, true})));
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  expect_queue_empty();
}

// RFC 3461 5.2: never to <>, not even to the postmaster
TEST_F(SuccessTest, NullSender_IsNotTold) {
  ASSERT_TRUE(send(asking({"bert@local.test"}, kSuccess, "")));
  EXPECT_EQ(trace.count("reported"), 0u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  expect_queue_empty();
}

// RFC 3461 5.2.1, 5.2.2 (b)
TEST_F(SuccessTest, NextServer_RelayedUnlessItReportsItself) {
  sites.answers("far.test", [](const std::string&) { return relayed(); });
  sites.answers("slow.test", [](const std::string&) { return passed_on(); });
  ASSERT_TRUE(send(asking({"a@far.test", "b@slow.test"}, kSuccessAndFailure)));
  expect_queue_empty();
  EXPECT_THAT(
      inbox("anna@local.test"),
      ElementsAre(AllOf(HasSubstr("Action: relayed"), HasSubstr("; a@far.test"), HasSubstr("Remote-MTA: dns; mx.far.test"),
                        HasSubstr("Diagnostic-Code: smtp; 250 2.0.0 ok"), HasSubstr("handed over"), Not(HasSubstr("b@slow.test")))));
}

// RFC 3461 5.2.8: what is reported together is one report, and nobody is in it who was not asked about.
TEST_F(SuccessTest, SuccessAndFailureTogether_AreOneReport) {
  auto what = asking({"bert@local.test", "nobody@local.test", "noone@local.test"}, kSuccessAndFailure);
  what.recipients[2].notify = kNever;
  ASSERT_TRUE(send(std::move(what)));
  EXPECT_THAT(inbox("anna@local.test"),
              ElementsAre(AllOf(HasSubstr("Subject: Not delivered: nobody@local.test"), HasSubstr("Action: failed"),
                                HasSubstr("Action: delivered"), Not(HasSubstr("noone@local.test")))));
  expect_queue_empty();
}

// RFC 3461 5.2.7.3 (c), for an alias that has come up since the message was accepted.
TEST_F(SuccessTest, AliasOfSeveral_IsExpandedAndItsAddressesReportNoSuccess) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("team@local.test"), {address("bert@local.test"), address("a@far.test")})));
  sites.answers("far.test", [](const std::string&) { return relayed(); });
  ASSERT_TRUE(send(asking({"team@local.test"}, kSuccess)));
  loop.advance(10s);
  expect_queue_empty();
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  EXPECT_THAT(inbox("anna@local.test"),
              ElementsAre(AllOf(HasSubstr("Action: expanded"), HasSubstr("Final-Recipient: rfc822; team@local.test"),
                                Not(HasSubstr("bert@")), Not(HasSubstr("a@far.test")))));
}

// RFC 3461 5.2.7.2
TEST_F(SuccessTest, AliasOfOne_IsReportedForTheAddressBehindIt) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("one@local.test"), {address("bert@local.test")})));
  ASSERT_TRUE(send(asking({"one@local.test"}, kSuccess)));
  EXPECT_THAT(inbox("anna@local.test"),
              ElementsAre(AllOf(HasSubstr("Action: delivered"), HasSubstr("Final-Recipient: rfc822; bert@local.test"))));
  expect_queue_empty();
}

// The same alias at RCPT: intake has expanded it, and the report is owed with the message.
TEST_F(SuccessTest, AliasExpandedAtRcpt_OwesItsReport) {
  auto what = asking({"bert@local.test"}, kNever);
  queue::Recipient model = what.recipients[0];
  model.notify = kSuccess;
  what.recipients.push_back(queue::expanded_alias(address("team@local.test"), model, 2));
  ASSERT_TRUE(send(std::move(what)));
  EXPECT_THAT(inbox("anna@local.test"),
              ElementsAre(AllOf(HasSubstr("Action: expanded"), HasSubstr("; team@local.test"), Not(HasSubstr("; bert@")))));
  EXPECT_EQ(trace.count("delivered"), 2u);  // to bert, and the report to anna
  expect_queue_empty();
}

TEST_F(SuccessTest, DiskFullForTheReport_ItComesLaterAndNothingIsDeliveredTwice) {
  sites.answers("far.test", [](const std::string&) { return relayed(); });
  auto what = asking({"bert@local.test", "a@far.test"}, kSuccess);
  ASSERT_TRUE(accept(what));
  blobs.set_full(true);  // no new mail; what is in the queue goes on
  const MessageId id = what.id;
  scheduler->accepted(std::move(what));
  loop.poll();
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_EQ(queue->totals().recipients, 2u);
  restart();
  blobs.set_full(false);
  loop.advance(3min);
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("Action: delivered"), HasSubstr("Action: relayed"))));
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  EXPECT_EQ(sites.deliveries(id, "a@far.test"), 1u);
  EXPECT_EQ(trace.count("delivered"), 3u);  // once each, and the report
  expect_queue_empty();
}

// Days of waiting for a report are no delay and no failure of the mail.
TEST_F(SuccessTest, OwedForDays_NoNoticeAndNoBounce) {
  auto what = asking({"bert@local.test"}, {true, false, true, true, true});
  ASSERT_TRUE(accept(what));
  blobs.set_full(true);
  scheduler->accepted(std::move(what));
  loop.poll();
  for (int day = 0; day < 7; ++day) loop.advance(24h);
  blobs.set_full(false);
  loop.advance(5h);
  EXPECT_THAT(inbox("anna@local.test"),
              ElementsAre(AllOf(HasSubstr("Action: delivered"), Not(HasSubstr("delayed")), Not(HasSubstr("failed")))));
  expect_queue_empty();
}

TEST_F(SuccessTest, SenderThatCannotBeTold_EndsThere) {
  ASSERT_TRUE(send(asking({"bert@local.test"}, kSuccess, "gone@local.test")));
  EXPECT_THAT(trace.last("report refused"), HasSubstr("gone@local.test"));
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());  // the postmaster hears of failures alone
  expect_queue_empty();
}

// NOTIFY=NEVER keeps the postmaster from hearing too (RFC 3461 5.2.6 (b)).
TEST_F(SuccessTest, NeverFromANullSender_IsObeyed) {
  ASSERT_TRUE(send(asking({"nobody@local.test"}, kNever, "")));
  EXPECT_EQ(trace.count("reported"), 0u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  expect_queue_empty();
}

// The report is durable before the queue forgets: after a power cut there is at least one.
TEST_F(SuccessTest, PowerCutRightAfter_TheReportIsThere) {
  ASSERT_TRUE(send(asking({"bert@local.test"}, kSuccess)));
  power_cut();
  loop.advance(1min);
  EXPECT_THAT(inbox("bert@local.test"), SizeIs(1));
  EXPECT_GE(inbox("anna@local.test").size(), 1u);
  expect_queue_empty();
}

// The report is durable before the queue forgets whom it is about: whatever write is the last, every success is reported.
TEST_F(SuccessTest, PowerCutAtEveryWrite_EverySuccessIsReported) {
  sites.answers("far.test", [](const std::string&) { return relayed(); });
  for (std::uint64_t n = 1; n <= 30; ++n) {
    for (const auto failure : {godwit::testing::MemoryEngine::Failure::lost, godwit::testing::MemoryEngine::Failure::applied}) {
      SCOPED_TRACE(::testing::Message() << "write " << n);
      engine.fail_at(n, failure);
      std::vector<std::string> kept;
      for (int i = 0; i < 3 && !engine.crashed(); ++i) {
        const std::string mark = fmt::format("mark-{}-{}-{}.", n, static_cast<int>(failure), i);
        if (send(asking({"bert@local.test", "x@far.test"}, kSuccess), "Subject: " + mark + "\r\n\r\nbody\r\n")) kept.push_back(mark);
        loop.advance(500ms);
      }
      loop.advance(2s);
      power_cut(static_cast<Loss>(n % 3));
      loop.advance(10min);
      expect_queue_empty();
      const auto bert = inbox("bert@local.test");
      const auto anna = inbox("anna@local.test");
      for (const std::string& mark : kept) {
        const auto says = [&](std::string_view what) {
          return std::ranges::count_if(anna, [&](const std::string& text) { return text.contains(mark) && text.contains(what); });
        };
        EXPECT_EQ(std::ranges::count_if(bert, [&](const std::string& text) { return text.contains(mark); }), 1) << mark;
        EXPECT_GE(says("Action: delivered"), 1) << mark;
        EXPECT_GE(says("Action: relayed"), 1) << mark;
      }
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace godwit::scheduler
