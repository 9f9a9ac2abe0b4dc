// Reports about failures: to whom, with what, and where they end (RFC 5321 6.1, RFC 3461).

#include <gmock/gmock.h>

#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class BounceTest : public SchedulerFixture {};

TEST_F(BounceTest, RecipientVanished_BouncesByName) {
  const auto removed = loop.run(directory->remove_account(address("bert@local.test")));
  ASSERT_TRUE(removed);
  send({"bert@local.test"});
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("5.1.1"), HasSubstr("bert@local.test"))));
  expect_queue_empty();
}

// RFC 5321 6.1: never to the null reverse path.
TEST_F(BounceTest, NullSender_ThePostmasterIsTold) {
  auto what = make({"nobody@local.test"}, "");
  what.recipients[0].notify = {true, true, false, false, false};  // as our own reports have it
  what.session = "dsn-1jmp588dr08et";
  ASSERT_TRUE(send(std::move(what), "Subject: a report\r\n\r\nit failed\r\n"));
  expect_queue_empty();
  EXPECT_EQ(trace.count("bounced"), 1u);
  EXPECT_THAT(trace.last("reported"), HasSubstr("double bounce to <postmaster@local.test>"));
  const auto mail = inbox("anna@local.test");  // the oldest account is the postmaster
  ASSERT_THAT(mail, SizeIs(1));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("Return-Path: <>"), HasSubstr("To: <postmaster@local.test>"), HasSubstr("For the postmaster: Not"),
                             HasSubstr("has no sender"), HasSubstr("Final-Recipient: rfc822; nobody@local.test"), HasSubstr("a report")));
}

TEST_F(BounceTest, SenderThatDoesNotExist_ThePostmasterIsTold) {
  send({"nobody@local.test"}, "gone@local.test");
  expect_queue_empty();
  EXPECT_THAT(trace.last("report refused"), HasSubstr("gone@local.test"));
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("<gone@local.test>"), HasSubstr("550 5.1.1"))));
}

TEST_F(BounceTest, DoubleBounceThatFails_EndsThere) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("postmaster@local.test"), {address("chief@far.test")})));
  sites.answers("far.test", [](const std::string&) { return never(); });
  send({"nobody@local.test"}, "");
  loop.advance(1min);
  expect_queue_empty();
  EXPECT_EQ(sites.jobs, 1u);
  EXPECT_EQ(trace.count("reported"), 1u);
  EXPECT_EQ(trace.count("dropped"), 1u);
  EXPECT_THAT(trace.last("dropped"), HasSubstr("a report to the postmaster itself"));
}

TEST_F(BounceTest, DoubleBounceThatFailsAfterARestart_EndsThereToo) {
  ASSERT_TRUE(loop.run(directory->add_alias(address("postmaster@local.test"), {address("chief@far.test")})));
  sites.answers("far.test", [](const std::string&) { return later(); });
  send({"nobody@local.test"}, "");
  restart();
  sites.answers("far.test", [](const std::string&) { return never(); });
  loop.advance(2min);
  expect_queue_empty();
  EXPECT_THAT(trace.last("dropped"), HasSubstr("a report to the postmaster itself"));
}

TEST_F(BounceTest, NoPostmaster_IsDroppedAloud) {
  settings.hostname = "mx1.elsewhere.test";
  send({"nobody@local.test"}, "");
  expect_queue_empty();
  EXPECT_EQ(trace.count("reported"), 0u);
  EXPECT_THAT(trace.last("dropped"), HasSubstr("mx1.elsewhere.test"));
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
}

TEST_F(BounceTest, PostmasterThatIsRefused_IsDroppedAloud) {
  settings.hostname = "mx1.empty.test";
  ASSERT_TRUE(loop.run(directory->add_domain(*smtp::parse_domain("empty.test"))));  // nobody in it
  send({"nobody@local.test"}, "");
  expect_queue_empty();
  EXPECT_THAT(trace.last("dropped"), AllOf(HasSubstr("postmaster@empty.test"), HasSubstr("550 5.1.1")));
}

// RFC 3834 2 against RFC 5321 6.1.
TEST_F(BounceTest, AutomaticMail_GetsNoDelayNoticeButItsBounce) {
  sites.answers("far.test", [](const std::string&) { return later(); });
  for (const std::string& field : {"Auto-Submitted: auto-generated", "Precedence: bulk", "List-Id: <news.local.test>"})
    ASSERT_TRUE(send(make({"a@far.test"}), field + "\r\nSubject: x\r\n\r\nhello\r\n"));
  loop.advance(10h);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  EXPECT_EQ(trace.count("not reported"), 3u);  // and the header is read but once
  const auto names_the_list = [](const auto& each) { return each.second.kind == "not reported" && each.second.detail.contains("List-Id"); };
  EXPECT_EQ(std::ranges::count_if(trace.all, names_the_list), 1);
  loop.advance(5 * 24h);
  EXPECT_THAT(inbox("anna@local.test"), AllOf(SizeIs(3), ::testing::Each(HasSubstr("Action: failed"))));
  expect_queue_empty();
}

TEST_F(BounceTest, NotifyNever_NoBounceButTheOthersGetTheirs) {
  auto what = make({"nobody@local.test", "noone@local.test"});
  what.recipients[0].notify = {true, true, false, false, false};
  ASSERT_TRUE(send(std::move(what)));
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("; noone@local.test"), Not(HasSubstr("; nobody@local.test")))));
  expect_queue_empty();
}

TEST_F(BounceTest, Ret_SaysHowMuchComesBack) {
  const std::string body = "Subject: the subject\r\n\r\nthe secret body\r\n";
  auto headers = make({"nobody@local.test"});
  headers.ret = queue::Message::Return::headers;
  headers.envid = "QQ314159";
  ASSERT_TRUE(send(std::move(headers), body));
  auto full = make({"nobody@local.test"});
  full.ret = queue::Message::Return::full;
  ASSERT_TRUE(send(std::move(full), body + std::string(100'000, 'x') + "\r\n"));  // the line is too long for a report
  auto large = make({"nobody@local.test"});
  std::string lines;
  for (int i = 0; i < 2'000; ++i) lines += "a line of forty characters, more or less\r\n";
  large.ret = queue::Message::Return::full;
  ASSERT_TRUE(send(std::move(large), body + lines));
  auto unset = make({"nobody@local.test"});
  ASSERT_TRUE(send(std::move(unset), body + lines));
  const auto mail = inbox("anna@local.test");
  ASSERT_THAT(mail, SizeIs(4));
  EXPECT_THAT(mail[0], AllOf(HasSubstr("the subject"), Not(HasSubstr("secret")), HasSubstr("Original-Envelope-Id: QQ314159")));
  EXPECT_THAT(mail[1], AllOf(HasSubstr("the subject"), Not(HasSubstr("secret"))));
  EXPECT_THAT(mail[2], AllOf(HasSubstr("the secret body"), HasSubstr("a line of forty")));
  EXPECT_THAT(mail[3], AllOf(HasSubstr("the subject"), Not(HasSubstr("secret"))));  // too large to return unasked
}

TEST_F(BounceTest, ReportTooBigWithTheWholeMessage_HasItsHeaderAlone) {
  std::string body = "Subject: the subject\r\n\r\n";
  for (int i = 0; i < 1'000; ++i) body += "a line of forty characters, more or less\r\n";
  intake_settings.max_message_size = body.size();
  ASSERT_TRUE(send(make({"nobody@local.test"}), body));
  EXPECT_THAT(inbox("anna@local.test"), ElementsAre(AllOf(HasSubstr("the subject"), Not(HasSubstr("a line of forty")))));
  EXPECT_EQ(trace.count("report refused"), 0u);
  expect_queue_empty();
}

TEST_F(BounceTest, DiskFullForTheBounce_ItComesLater) {
  auto what = make({"nobody@local.test"});
  ASSERT_TRUE(accept(what));
  engine.set_full(true);
  scheduler->accepted(what);
  loop.poll();
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty());
  EXPECT_EQ(queue->totals().recipients, 1u);
  engine.set_full(false);
  loop.advance(2min);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
}

TEST_F(BounceTest, DiskFullForTheBounce_TheServerThatRefusedIsNotAskedAgain) {
  sites.answers("far.test", [](const std::string&) { return never(); });
  auto what = make({"a@far.test"});
  ASSERT_TRUE(accept(what));
  blobs.set_full(true);
  scheduler->accepted(what);
  loop.advance(3h);
  EXPECT_EQ(sites.attempts.size(), 1u);
  EXPECT_EQ(queue->totals().recipients, 1u);
  blobs.set_full(false);
  loop.advance(40min);
  EXPECT_EQ(sites.attempts.size(), 1u);
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  expect_queue_empty();
}

}  // namespace
}  // namespace godwit::scheduler
