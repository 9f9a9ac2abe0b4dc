// Joining, time-outs, limits and shutdown, over an Upstream that answers when the test says so, on a manual clock.
#include "edge/dns/cached_resolver.h"

#include <gtest/gtest.h>

#include "testing/test_loop.h"

namespace godwit::dns {
namespace {

using std::chrono::seconds;
using testing::TestLoop;

// What the test's Upstream was asked; outlives it.
struct Asked {
  std::vector<std::pair<Question, Upstream::Done>> questions;
  bool gone = false;
};

class ManualUpstream final : public Upstream {
 public:
  explicit ManualUpstream(Asked& asked) : asked_(asked) {}
  ~ManualUpstream() override { asked_.gone = true; }
  void start(Question question, Done done) override { asked_.questions.emplace_back(std::move(question), std::move(done)); }

 private:
  Asked& asked_;
};

class InstantUpstream final : public Upstream {
 public:
  void start(Question, Done done) override { done(failure(Error::Cause::io, "at once")); }
};

using Answers = std::vector<std::optional<Answer<std::string>>>;

Task<> ask(Resolver& resolver, std::string name, Duration timeout, std::optional<Answer<std::string>>& into) {
  into = co_await resolver.txt(std::move(name), timeout);
}

Response text(std::string value, seconds ttl = seconds(60)) {
  Response response;
  response.status = Status::records;
  response.ttl = ttl;
  response.records = std::vector<std::string>{std::move(value)};
  return response;
}

struct CachedResolverTest : ::testing::Test {
  void start(const std::string& name, Duration timeout, std::optional<Answer<std::string>>& into) {
    loop.start(ask(*resolver, name, timeout, into));
    loop.poll();
  }
  void answer(std::size_t i, Response response) {
    asked.questions.at(i).second(std::move(response));
    loop.poll();
  }

  Asked asked;
  TestLoop loop;
  std::unique_ptr<CachedResolver> resolver =
      std::make_unique<CachedResolver>(std::make_unique<ManualUpstream>(asked), loop.clock(), CacheLimits{}, 4);
};

TEST_F(CachedResolverTest, SecondLookup_ComesFromTheCache_WithoutLettingGo) {
  std::optional<Answer<std::string>> first;
  start("Example.org.", seconds(5), first);
  ASSERT_EQ(asked.questions.size(), 1u);
  EXPECT_EQ(asked.questions[0].first.text(), "TXT example.org");
  answer(0, text("hello"));
  EXPECT_EQ(first.value().records.at(0), "hello");
  std::optional<Answer<std::string>> second;
  loop.advance(seconds(20));
  start("example.ORG", seconds(5), second);
  EXPECT_EQ(second.value().ttl, seconds(40));
  EXPECT_EQ(asked.questions.size(), 1u);
  loop.advance(seconds(40));
  second.reset();
  start("example.org", seconds(5), second);
  EXPECT_FALSE(second);
  EXPECT_EQ(asked.questions.size(), 2u);
}

TEST_F(CachedResolverTest, EqualQuestions_AreJoined) {
  Answers answers(3);
  for (auto& into : answers) start("example.org", seconds(5), into);
  EXPECT_EQ(asked.questions.size(), 1u);
  EXPECT_EQ(resolver->in_flight(), 1u);
  answer(0, text("hello", seconds(0)));
  for (const auto& got : answers) EXPECT_EQ(got.value().records.at(0), "hello");
  EXPECT_EQ(resolver->in_flight(), 0u);
}

TEST_F(CachedResolverTest, EachAsker_HasItsOwnTimeout_AndALateAnswerIsKept) {
  Answers answers(2);
  start("example.org", seconds(2), answers[0]);
  start("example.org", seconds(5), answers[1]);
  loop.advance(seconds(2));
  EXPECT_EQ(answers[0].value().cause, Error::Cause::timed_out);
  EXPECT_EQ(answers[0]->reason, "no answer from the DNS about TXT example.org within 2 s");
  EXPECT_FALSE(answers[1]);
  loop.advance(seconds(3));
  EXPECT_EQ(answers[1].value().cause, Error::Cause::timed_out);
  EXPECT_EQ(resolver->in_flight(), 1u);
  answer(0, text("late"));
  std::optional<Answer<std::string>> again;
  start("example.org", seconds(5), again);
  EXPECT_EQ(again.value().records.at(0), "late");
  EXPECT_EQ(asked.questions.size(), 1u);
}

TEST_F(CachedResolverTest, Failures_AreRemembered5Seconds) {
  std::optional<Answer<std::string>> got;
  start("example.org", seconds(5), got);
  answer(0, failure(Error::Cause::io, "SERVFAIL"));
  EXPECT_EQ(got.value().error().text, "SERVFAIL");
  EXPECT_EQ(got->error().kind, Error::Kind::temporary);
  loop.advance(seconds(4));
  got.reset();
  start("example.org", seconds(5), got);
  EXPECT_TRUE(got.value().failed());
  EXPECT_EQ(asked.questions.size(), 1u);
  loop.advance(seconds(1));
  got.reset();
  start("example.org", seconds(5), got);
  EXPECT_EQ(asked.questions.size(), 2u);
}

TEST_F(CachedResolverTest, LostLookup_IsStartedAnew_AndItsAnswerIgnored) {
  Answers answers(3);
  start("example.org", seconds(5), answers[0]);
  loop.advance(seconds(30));
  start("example.org", seconds(5), answers[1]);
  EXPECT_EQ(asked.questions.size(), 1u);
  loop.advance(Duration(1));
  start("example.org", seconds(5), answers[2]);
  EXPECT_EQ(asked.questions.size(), 2u);
  answer(0, text("of the lost one"));
  EXPECT_FALSE(answers[2]);
  answer(1, text("new"));
  EXPECT_EQ(answers[1].value().records.at(0), "new");
  EXPECT_EQ(answers[2].value().records.at(0), "new");
}

TEST_F(CachedResolverTest, TooManyInFlight_FailAtOnce) {
  Answers answers(5);
  for (std::size_t i = 0; i < 5; ++i) start("host" + std::to_string(i), seconds(5), answers[i]);
  EXPECT_EQ(answers[4].value().cause, Error::Cause::limit);
  EXPECT_EQ(asked.questions.size(), 4u);
  std::optional<Answer<std::string>> joins;
  start("host0", seconds(5), joins);
  answer(0, text("hello"));
  EXPECT_TRUE(joins);
  start("host4", seconds(5), answers[4]);
  EXPECT_EQ(asked.questions.size(), 5u);
}

TEST_F(CachedResolverTest, Stop_CancelsWhatWaits_CachedAnswersStay) {
  Answers answers(2);
  start("known", seconds(60), answers[0]);
  answer(0, text("hello"));
  start("example.org", seconds(5), answers[1]);
  resolver->stop();
  loop.poll();
  EXPECT_EQ(answers[1].value().cause, Error::Cause::cancelled);
  answers[1].reset();
  start("example.org", seconds(5), answers[1]);
  EXPECT_EQ(answers[1].value().cause, Error::Cause::cancelled);
  answers[0].reset();
  start("known", seconds(5), answers[0]);
  EXPECT_EQ(answers[0].value().status, Status::records);
  answer(1, text("too late"));
}

TEST_F(CachedResolverTest, Destroyed_WhileAskersWait_TheyAreCancelled) {
  std::optional<Answer<std::string>> got;
  start("example.org", seconds(5), got);
  resolver.reset();
  EXPECT_TRUE(asked.gone);
  answer(0, text("into the void"));
  loop.poll();
  EXPECT_EQ(got.value().cause, Error::Cause::cancelled);
}

TEST(CachedResolver, LoopDestroyedUnderAskers_AnswersGoNowhere) {
  Asked asked;
  const auto clock = make_system_clock();  // a manual one would own the coroutine
  CachedResolver resolver(std::make_unique<ManualUpstream>(asked), *clock, CacheLimits{});
  std::optional<Answer<std::string>> got;
  {
    TestLoop loop;
    loop.start(ask(resolver, "example.org", seconds(5), got));
    loop.poll();
  }
  asked.questions.at(0).second(text("hello"));
  EXPECT_FALSE(got);
  EXPECT_EQ(resolver.in_flight(), 0u);
}

TEST(CachedResolver, UpstreamAnswersAtOnce_IsNoDeadlock) {
  TestLoop loop;
  CachedResolver resolver(std::make_unique<InstantUpstream>(), loop.clock(), CacheLimits{});
  EXPECT_EQ(loop.run(resolver.a("example.org")).reason, "at once");
}

}  // namespace
}  // namespace godwit::dns
