// An account that sends far above its habit is held, by a rule that outlives a restart; its own habit grows only over days.

#include "service/intake/bursts.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "edge/net/task_group.h"
#include "testing/mail_world.h"

namespace godwit::intake {
namespace {

class BurstsTest : public ::testing::Test {
 protected:
  void send(std::size_t recipients, const char* from = "192.0.2.7") {
    std::string account = kAnn;
    world_.loop.run(bursts_.count(std::move(account), recipients, *parse_ip(from)));
  }
  std::size_t rules() { return world_.queue->rules()->all().size(); }

  static constexpr const char* kAnn = "ann@example.org";
  testing::MailWorld world_;
  BurstSettings settings_;
  std::vector<std::string> told_;
  Bursts bursts_{*world_.queue, world_.loop.clock(), [this] { return std::make_shared<const BurstSettings>(settings_); },
                 [this](const std::string& account, const std::string&) { told_.push_back(account); }};
};

TEST_F(BurstsTest, StolenPassword_IsHeldOnce) {
  for (int i = 0; i < 5'000; ++i) send(1);
  EXPECT_THAT(told_, ::testing::ElementsAre(kAnn));
  ASSERT_EQ(rules(), 1u);
  queue::Message message;
  message.identity = kAnn;
  EXPECT_NE(world_.queue->rules()->holds_new(message), nullptr);
  message.identity = "bob@example.org";
  EXPECT_EQ(world_.queue->rules()->holds_new(message), nullptr);
}

TEST_F(BurstsTest, UpToTheFloor_NobodyIsHeld) {
  for (int hour = 0; hour < 20; ++hour) {
    send(300);
    world_.loop.advance(std::chrono::hours(1));
  }
  EXPECT_EQ(rules(), 0u);
}

TEST_F(BurstsTest, HabitGrowsOverDays_NotWithinOne) {
  for (int day = 0; day < 5; ++day) {
    send(400);
    world_.loop.advance(std::chrono::hours(24));
  }
  send(3'900);  // ten times what it does
  EXPECT_EQ(rules(), 0u);
  send(500);
  EXPECT_EQ(rules(), 1u);
}

TEST_F(BurstsTest, Release_ForgivesWhatItSent) {
  send(2'000);
  ASSERT_EQ(rules(), 1u);
  std::string account = kAnn;
  EXPECT_TRUE(*world_.loop.run(bursts_.forgive(std::move(account))));
  EXPECT_EQ(rules(), 0u);
  send(2'000);
  EXPECT_EQ(rules(), 0u);
  account = kAnn;
  EXPECT_FALSE(*world_.loop.run(bursts_.forgive(std::move(account))));
}

TEST_F(BurstsTest, RuleRemovedByOtherMeans_IsMadeAgain) {
  send(2'000);
  ASSERT_EQ(rules(), 1u);
  ASSERT_TRUE(*world_.loop.run(world_.queue->remove_rule(world_.queue->rules()->all()[0].number)));
  send(1);
  EXPECT_EQ(rules(), 1u);
  EXPECT_EQ(told_.size(), 2u);
}

Task<> count_one(Bursts& bursts, std::size_t& done) {
  std::string account = "ann@example.org";
  co_await bursts.count(std::move(account), 1'000, *parse_ip("192.0.2.7"));
  ++done;
}

TEST_F(BurstsTest, OthersWaitUntilTheRuleStands) {
  net::TaskGroup tasks;
  std::size_t done = 0;
  world_.engine.hold();
  for (int i = 0; i < 3; ++i) net::spawn(world_.loop.executor(), tasks, "count", count_one(bursts_, done));
  world_.loop.poll();
  EXPECT_EQ(done, 0u);
  EXPECT_EQ(world_.engine.held(), 1u);
  world_.engine.release();
  world_.loop.poll();
  EXPECT_EQ(done, 3u);
  EXPECT_EQ(rules(), 1u);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(BurstsTest, RuleCannotBeKept_NobodyWaitsForEver) {
  net::TaskGroup tasks;
  std::size_t done = 0;
  world_.engine.fail_at(1, testing::MemoryEngine::Failure::full);
  for (int i = 0; i < 3; ++i) net::spawn(world_.loop.executor(), tasks, "count", count_one(bursts_, done));
  world_.loop.poll();
  EXPECT_EQ(done, 3u);
  EXPECT_EQ(rules(), 0u);
  send(1);
  EXPECT_EQ(rules(), 1u);
}

TEST_F(BurstsTest, SwitchedOffAndExempt) {
  settings_.exempt = {*parse_network("192.0.2.0/24")};
  send(100'000);
  send(100'000, "127.0.0.1");
  settings_.factor = 0;
  settings_.exempt.clear();
  send(100'000);
  EXPECT_EQ(rules(), 0u);
}

TEST_F(BurstsTest, HabitsAreSaved) {
  std::string pattern = (std::filesystem::temp_directory_path() / "godwit-habits-XXXXXX").string();
  const std::string path = std::string(mkdtemp(pattern.data())) + "/habits";
  const auto disk = store::make_posix_disk();
  send(450);
  world_.loop.advance(std::chrono::hours(30));
  ASSERT_TRUE(bursts_.save(*disk, path));
  Bursts later{*world_.queue, world_.loop.clock(), [this] { return std::make_shared<const BurstSettings>(settings_); }, {}};
  later.load(*disk, path);
  std::string account = kAnn;
  world_.loop.run(later.count(std::move(account), 4'000, *parse_ip("192.0.2.7")));
  EXPECT_EQ(rules(), 0u);
  Bursts new_one{*world_.queue, world_.loop.clock(), [this] { return std::make_shared<const BurstSettings>(settings_); }, {}};
  account = kAnn;
  world_.loop.run(new_one.count(std::move(account), 4'000, *parse_ip("192.0.2.7")));
  EXPECT_EQ(rules(), 1u);
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

}  // namespace
}  // namespace godwit::intake
