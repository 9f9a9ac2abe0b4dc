#include "edge/net/happy_eyeballs.h"

#include <gmock/gmock.h>

#include "testing/fake_smtp_server.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

class HappyEyeballs : public ::testing::Test {
 protected:
  ~HappyEyeballs() override {
    loop_.advance(1h);
    EXPECT_EQ(tasks_.running(), 0u);
  }

  static Endpoint at(std::string_view text) { return *parse_endpoint(text); }

  void start(std::vector<std::string_view> texts) {
    std::vector<Endpoint> endpoints;
    for (const auto text : texts) endpoints.push_back(at(text));
    loop_.start(dial(std::move(endpoints)));
    loop_.poll();
  }
  Task<> dial(std::vector<Endpoint> endpoints) {
    auto dialed = co_await dial_first(network_, loop_.clock(), tasks_, std::move(endpoints), 30s);
    done_ = true;
    took_ = loop_.clock().steady() - begun_;
    if (dialed) {
      index_ = dialed->index;
      dialed->stream->close();
    } else {
      for (const DialFailure& failure : dialed.error()) errors_.push_back(std::to_string(failure.index) + " " + failure.error.text);
    }
  }

  testing::TestLoop loop_;
  TaskGroup tasks_;
  testing::FakeNetwork network_{loop_.clock(), tasks_};
  testing::FakeSmtpServer server_;
  SteadyTime begun_ = loop_.clock().steady();
  Duration took_{};
  bool done_ = false;
  std::optional<std::size_t> index_;
  std::vector<std::string> errors_;
};

TEST_F(HappyEyeballs, TakesTurnsBetweenTheFamilies) {
  std::vector<IpAddress> in;
  for (const auto text : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"}) in.push_back(*parse_ip(text));
  std::vector<std::string> out;
  for (const auto& address : interleave_families(in)) out.push_back(address.text());
  EXPECT_THAT(out, ElementsAre("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"));
}

TEST_F(HappyEyeballs, OneThatAnswersNeedsNoOther) {
  network_.listen(at("[2001:db8::1]:25"), server_);
  start({"[2001:db8::1]:25", "192.0.2.1:25"});
  EXPECT_EQ(index_, 0u);
  EXPECT_EQ(network_.dials, 1u);
}

TEST_F(HappyEyeballs, ARefusalStartsTheNextAtOnce) {
  network_.listen(at("192.0.2.1:25"), server_);
  start({"[2001:db8::1]:25", "192.0.2.1:25"});
  EXPECT_EQ(index_, 1u);
  EXPECT_EQ(took_, 0ms);
}

TEST_F(HappyEyeballs, SilenceStartsTheNextAfterAMoment) {
  network_.black_hole(at("[2001:db8::1]:25"));
  network_.listen(at("192.0.2.1:25"), server_);
  start({"[2001:db8::1]:25", "192.0.2.1:25"});
  EXPECT_EQ(network_.dials, 1u);
  loop_.advance(kAttemptDelay);
  EXPECT_EQ(index_, 1u);
  EXPECT_EQ(took_, kAttemptDelay);
  loop_.poll();
  EXPECT_EQ(tasks_.running(), 0u) << "the silent dial is cancelled";
}

TEST_F(HappyEyeballs, EveryFailureIsTold) {
  network_.black_hole(at("[2001:db8::1]:25"));
  start({"[2001:db8::1]:25", "192.0.2.1:25"});
  loop_.advance(31s);
  EXPECT_THAT(errors_, ElementsAre("1 connection refused", "0 timed out"));
}

TEST_F(HappyEyeballs, NoAddressIsNoConnection) {
  start({});
  EXPECT_TRUE(done_);
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(HappyEyeballs, StoppingEndsItAtOnce) {
  network_.black_hole(at("192.0.2.1:25"));
  start({"192.0.2.1:25"});
  EXPECT_FALSE(done_);
  tasks_.stop();
  loop_.poll();
  EXPECT_TRUE(done_);
  EXPECT_EQ(tasks_.running(), 0u);
}

}  // namespace
}  // namespace godwit::net
