// What happens after a long outage: a site comes back gently, and others notice nothing. Simulated time.

#include <map>

#include "service/outbound/outbound_fixture.h"
#include "service/outbound/reply_class.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;

// A queue for one site, as the scheduler keeps it: what comes back deferred is offered again after the next step, a tenth earlier or later.
class Backlog {
 public:
  using Offer = std::function<std::shared_ptr<JobResult>()>;
  Backlog(std::size_t jobs, Offer offer, Clock& clock, Random& random) : offer_(std::move(offer)), clock_(clock), random_(random) {
    for (std::size_t i = 0; i < jobs; ++i) due_.emplace(clock_.steady(), 0u);
  }

  void offer_due() {
    while (!due_.empty() && due_.begin()->first <= clock_.steady()) {
      out_.push_back({due_.begin()->second, offer_()});
      due_.erase(due_.begin());
    }
  }
  void take_back() {
    std::erase_if(out_, [this](const Out& out) {
      if (out.result->calls == 0) return false;
      if (out.result->outcomes[0].kind == queue::Outcome::Kind::delivered) {
        ++delivered_;
        return true;
      }
      static constexpr Duration kSteps[] = {1min, 5min, 15min, 30min, 1h, 2h};
      const Duration step = kSteps[std::min<std::size_t>(out.tries, 5)];
      const auto tenth = static_cast<std::uint64_t>(step.count() / 10);
      due_.emplace(clock_.steady() + step - step / 10 + Duration(static_cast<Duration::rep>(random_.below(2 * tenth + 1))), out.tries + 1);
      return true;
    });
  }
  void retry_all() {
    std::multimap<SteadyTime, unsigned> now;
    for (const auto& [when, tries] : due_) now.emplace(clock_.steady(), tries);
    due_ = std::move(now);
  }
  std::size_t delivered() const { return delivered_; }

 private:
  struct Out {
    unsigned tries;
    std::shared_ptr<JobResult> result;
  };
  Offer offer_;
  Clock& clock_;
  Random& random_;
  std::multimap<SteadyTime, unsigned> due_;
  std::vector<Out> out_;
  std::size_t delivered_ = 0;
};

class Outage : public OutboundTest {
 protected:
  Outage() {
    network_.listen(at(2), other_);
    server_.before_final_reply = [this] { return loop_.clock().sleep(100ms); };
    settings_->classes = ReplyClasses::shipped();
    settings_->sites = {{"127.0.0.1", 20, {}, {}}};
    const auto one = message({"bob@example.net"});
    backlog_ = std::make_unique<Backlog>(10'000, [this, one] { return offer(one); }, loop_.clock(), random_);
  }
  ~Outage() override {
    outbound_->drain();
    loop_.advance(1min);
  }
  // Each minute somebody writes to another site.
  void pass(std::chrono::seconds time = 1s) {
    backlog_->offer_due();
    loop_.advance(time);
    backlog_->take_back();
    passed_ += time;
    if (passed_ % 60s != 0s) return;
    const auto result = offer(message({"anna@example.org"}), site_of({"127.0.0.2"}));
    loop_.poll();
    ASSERT_EQ(summary(*result), "delivered 2.0.0");
  }
  void minutes(int count) {
    for (int i = 0; i < 6 * count; ++i) pass(10s);
  }
  std::size_t open() const {
    return static_cast<std::size_t>(std::ranges::count(server_.dialogues, false, &testing::FakeSmtpServer::Dialogue::ended));
  }
  std::size_t dialed_here() const { return static_cast<std::size_t>(std::ranges::count(network_.dialed, at(1))); }
  // The first minute from when the site is there again and somebody has noticed.
  void expect_gentle_minute() {
    while (server_.messages.empty()) pass();
    const std::size_t before = dialed_here();
    for (std::size_t i = 1; i <= 60; ++i) {
      pass();
      ASSERT_LE(open(), 2 + i / 10) << "after " << i << " s";
    }
    EXPECT_LE(dialed_here() - before, 7u);
  }

  testing::FakeSmtpServer other_;
  std::unique_ptr<Backlog> backlog_;
  std::chrono::seconds passed_{};
};

TEST_F(Outage, ThreeHoursAndTenThousandJobs_NoHerdAndOthersUnaffected) {
  network_.refuse(at(1));
  minutes(180);
  EXPECT_LE(dialed_here(), 10u);  // probes, at growing intervals
  EXPECT_EQ(backlog_->delivered(), 0u);
  network_.listen(at(1), server_);
  expect_gentle_minute();
  minutes(150);
  EXPECT_EQ(backlog_->delivered(), 10'000u);
}

TEST_F(Outage, AllOfThemAtOnceBehindIt_NoHerdEither) {
  network_.black_hole(at(1));
  minutes(180);
  EXPECT_LE(dialed_here(), 10u);
  network_.listen(at(1), server_);
  outbound_->probe_now();
  backlog_->retry_all();
  expect_gentle_minute();
  std::size_t most = 0;
  EXPECT_GT(server_.messages.size(), 1'000u);
  for (int i = 0; i < 300; ++i) {
    pass();
    most = std::max(most, open());
  }
  EXPECT_GE(most, 10u);
  EXPECT_EQ(backlog_->delivered(), 10'000u);
}

}  // namespace
}  // namespace godwit::outbound
