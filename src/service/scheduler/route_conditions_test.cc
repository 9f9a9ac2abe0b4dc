// Routes that ask for more than the recipient, and the one that leads nowhere.

#include <gmock/gmock.h>

#include "base/metrics.h"
#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class RouteConditionsTest : public SchedulerFixture {
 protected:
  void offer(outbound::Job job) override {
    names_.push_back(job.site->name);
    SchedulerFixture::offer(std::move(job));
  }
  std::string site_of(std::size_t job) const { return job < names_.size() ? names_[job] : "none"; }
  std::vector<std::string> names_;  // of the sites, a job each
};

TEST_F(RouteConditionsTest, Header_DecidesWhereItGoes) {
  set_routes({{"far.test", {"smtp://campaigns.test"}, {}, {}, {}, {"X-Campaign: news*"}}, {"far.test", {"smtp://far.test"}}});
  ASSERT_TRUE(send(make({"a@far.test"}), "Subject: x\r\nX-Campaign: News of\r\n spring\r\n\r\nhello\r\n"));
  ASSERT_TRUE(send(make({"b@far.test"}), "Subject: x\r\n\r\nX-Campaign: news\r\n"));
  EXPECT_EQ(site_of(0), "smtp://campaigns.test:25");
  EXPECT_EQ(site_of(1), "smtp://far.test:25");
}

TEST_F(RouteConditionsTest, Header_OfTheServerCountsToo) {
  set_routes({{"far.test", {"hold"}, {}, {}, {}, {"Received: *mx.example.org*"}}});
  const MessageId id = send({"a@far.test"});
  EXPECT_TRUE(load(id)->held);
}

TEST_F(RouteConditionsTest, HeaderBeyondTheLimit_IsNotSeen) {
  set_routes({{"far.test", {"hold"}, {}, {}, {}, {"X-Late: *"}}, {"far.test", {"smtp://far.test"}}});
  std::string body = "Subject: x\r\n";
  while (body.size() < 64 * 1024) body += "X-Filler: " + std::string(60, 'x') + "\r\n";
  ASSERT_TRUE(send(make({"a@far.test"}), body + "X-Late: yes\r\n\r\nhello\r\n"));
  EXPECT_EQ(site_of(0), "smtp://far.test:25");
}

// The delivery will say what is wrong with it.
TEST_F(RouteConditionsTest, HeaderThatIsDamaged_IsAsIfItWereNotThere) {
  set_routes({{"far.test", {"smtp://campaigns.test"}, {}, {}, {}, {"X-Campaign: *"}}, {"far.test", {"smtp://far.test"}}});
  queue::Message damaged = make({"a@far.test"});
  ASSERT_TRUE(loop.run(write(damaged, "X-Campaign: a\r\n\r\nhello\r\n")));
  blobs.damage_blob(damaged.blob);
  scheduler->accepted(damaged);
  loop.poll();
  EXPECT_EQ(site_of(0), "smtp://far.test:25");
}

TEST_F(RouteConditionsTest, SenderAndTenant_DecideWhereItGoes) {
  set_routes({{"far.test", {"smtp://bounces.test"}, {}, {"<>"}},
              {"far.test", {"smtp://of-tenant.test"}, {}, {}, {"local.test"}},
              {"far.test", {"smtp://far.test"}}});
  send({"a@far.test"}, "");
  queue::Message ours = make({"b@far.test"});
  ours.tenant = "local.test";
  ASSERT_TRUE(send(std::move(ours)));
  send({"c@far.test"});
  EXPECT_EQ(site_of(0), "smtp://bounces.test:25");
  EXPECT_EQ(site_of(1), "smtp://of-tenant.test:25");
  EXPECT_EQ(site_of(2), "smtp://far.test:25");
}

TEST_F(RouteConditionsTest, Discard_LeavesNothingButItsStory) {
  set_routes({{"", {"discard"}, {"void@far.test"}}});
  const auto& counter = metrics::counter("godwit_scheduler_discarded_total", "Recipients that a route discarded");
  const auto before = counter.value();
  send({"void@far.test"});
  EXPECT_EQ(queue->totals().messages, 0u);
  EXPECT_THAT(blobs.ids(), IsEmpty());
  EXPECT_THAT(sites.attempts, IsEmpty());
  EXPECT_EQ(trace.last("dropped"), "void@far.test: the route \"recipient void@far.test\" says discard");
  EXPECT_EQ(trace.count("completed"), 1u);
  EXPECT_EQ(counter.value() - before, 1u);
  EXPECT_THAT(inbox("anna@local.test"), IsEmpty()) << "nobody is told";
}

TEST_F(RouteConditionsTest, Discard_OfOneRecipient_LetsTheOthersGoOn) {
  set_routes({{"void.test", {"discard"}}, {"far.test", {"smtp://far.test"}}});
  sites.answers("far.test", [](const std::string&) { return later(); });
  const MessageId id = send({"a@void.test", "b@far.test", "anna@local.test"});
  EXPECT_THAT(inbox("anna@local.test"), SizeIs(1));
  ASSERT_TRUE(load(id));
  EXPECT_EQ(load(id)->recipients[0].state, queue::Recipient::State::dropped);
  restart();
  sites.answers("far.test", [](const std::string&) { return took(); });
  loop.advance(2min);
  EXPECT_EQ(sites.deliveries(id, "b@far.test"), 1u);
  EXPECT_EQ(trace.count("dropped"), 1u);
  EXPECT_EQ(queue->totals().messages, 0u);
}

TEST_F(RouteConditionsTest, RejectOfAHeader_Bounces) {
  set_routes({{"far.test", {"reject"}, {}, {}, {}, {"X-Campaign: *"}}, {"far.test", {"smtp://far.test"}}});
  ASSERT_TRUE(send(make({"a@far.test"}), "X-Campaign: a\r\n\r\nhello\r\n"));
  EXPECT_THAT(inbox("anna@local.test"), ::testing::ElementsAre(HasSubstr("Status: 5.7.1")));
}

TEST_F(RouteConditionsTest, RouteMxWithALevel_HasASiteOfItsOwn) {
  dns.add_mx("far.test", 10, "mx.far.test");
  routing::Route encrypted{"", {"mx"}, {}, {"anna@local.test"}};
  encrypted.tls = "encrypt";
  set_routes({encrypted});
  send({"a@far.test", "b@far.test"});
  send({"a@far.test"}, "bert@local.test");
  send({"c@far.test"});
  EXPECT_THAT(names_, ::testing::ElementsAre("mx.far.test tls=encrypt", "mx.far.test", "mx.far.test tls=encrypt"));
  EXPECT_EQ(sites.delivered(), 4u);
}

}  // namespace
}  // namespace godwit::scheduler
