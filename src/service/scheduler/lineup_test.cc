#include "service/scheduler/lineup.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <unordered_map>

namespace godwit::scheduler {
namespace {

using queue::Urgency;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

MessageId id(std::uint64_t n) { return {n << 23 | 7}; }
WallTime at(std::int64_t second) { return WallTime(std::chrono::seconds(second)); }
SteadyTime steady(std::int64_t millisecond) { return SteadyTime(std::chrono::milliseconds(millisecond)); }
constexpr WallTime kLater{std::chrono::hours(24 * 365)};

class LineUpTest : public ::testing::Test {
 protected:
  LineUpTest() { lineup.destinations().set_limits(1'000, 64); }

  MessageId add(std::string_view domain, std::string_view tenant, std::string_view sender, Urgency urgency = Urgency::normal) {
    const MessageId made = id(++last_);
    lineup.line_up(made, lineup.place_of(domain), {tenant, sender, urgency}, kLater);
    owner_[made] = std::string(tenant) + "/" + std::string(sender) + "@" + std::string(domain);
    return made;
  }
  // Picks and gives back at once, so often; how often each had his turn.
  std::map<std::string, int> turns(int count) {
    std::map<std::string, int> out;
    for (int i = 0; i < count; ++i) {
      const auto pick = lineup.pick(false);
      if (!pick) break;
      ++out[owner_[pick->id]];
      lineup.back(pick->place, steady(i));
    }
    return out;
  }
  MessageId next() {
    const auto pick = lineup.pick(false);
    if (!pick) return {};
    lineup.back(pick->place, steady(0));
    return pick->id;
  }

  LineUp lineup;
  std::uint64_t last_ = 0;
  std::unordered_map<MessageId, std::string> owner_;
};

TEST_F(LineUpTest, OneSender_InOrder) {
  const auto a = add("x.test", "t", "s");
  const auto b = add("x.test", "t", "s");
  const auto c = add("x.test", "t", "s");
  EXPECT_EQ(lineup.lined_up(), 3u);
  EXPECT_EQ(next(), a);
  EXPECT_TRUE(lineup.remove(b));
  EXPECT_FALSE(lineup.remove(b));
  EXPECT_EQ(next(), c);
  EXPECT_EQ(next(), MessageId{});
  EXPECT_EQ(lineup.size(), 0u);
}

TEST_F(LineUpTest, SendersOfATenantTakeTurns) {
  for (int i = 0; i < 1'000; ++i) add("x.test", "t", "many");
  for (int i = 0; i < 10; ++i) add("x.test", "t", "few");
  const auto had = turns(20);
  EXPECT_EQ(had.at("t/few@x.test"), 10);
  EXPECT_EQ(had.at("t/many@x.test"), 10);
}

TEST_F(LineUpTest, TenantsShareByWeight_AtOneBusyDestination) {
  lineup.set_shares({{"a", 4}});
  lineup.destinations().set_limits(1'000, 1);
  for (int i = 0; i < 2'000; ++i) {
    add("x.test", "a", "s");
    add("x.test", "b", "s");
  }
  const auto had = turns(1'000);
  EXPECT_NEAR(had.at("a/s@x.test"), 800, 8);
  EXPECT_NEAR(had.at("b/s@x.test"), 200, 8);
}

TEST_F(LineUpTest, TenantsShareByWeight_AlsoWhereOnlyTheWindowIsShort) {
  lineup.set_shares({{"a", 4}});
  for (int i = 0; i < 2'000; ++i) {
    add("x.test", "a", "s");
    add("y.test", "b", "s");
  }
  const auto had = turns(1'000);
  EXPECT_NEAR(had.at("a/s@x.test"), 800, 8);
}

TEST_F(LineUpTest, SharesMayChangeMeanwhile) {
  for (int i = 0; i < 2'000; ++i) {
    add("x.test", "a", "s");
    add("x.test", "b", "s");
  }
  EXPECT_NEAR(turns(100).at("a/s@x.test"), 50, 2);
  lineup.set_shares({{"a", 3}});
  EXPECT_NEAR(turns(400).at("a/s@x.test"), 300, 8);
}

// Who sends to ten thousand places gets no more than who sends to one.
TEST_F(LineUpTest, ManyDestinations_GiveNoMoreTurns) {
  for (int i = 0; i < 10'000; ++i) add("d" + std::to_string(i) + ".test", "wide", "s");
  for (int i = 0; i < 100; ++i) add("x.test", "narrow", "s");
  int narrow = 0;
  for (int i = 0; i < 200; ++i) {
    const auto pick = lineup.pick(false);
    ASSERT_TRUE(pick);
    if (owner_[pick->id].starts_with("narrow")) ++narrow;
    lineup.back(pick->place, steady(i));
  }
  EXPECT_NEAR(narrow, 100, 2);
}

TEST_F(LineUpTest, WhoComesBackAfterARest_HasNothingSavedUp) {
  for (int i = 0; i < 1'000; ++i) add("x.test", "a", "s");
  turns(500);
  for (int i = 0; i < 500; ++i) add("x.test", "b", "s");
  EXPECT_NEAR(turns(100).at("b/s@x.test"), 50, 2);
}

TEST_F(LineUpTest, Urgent_IsNextAmongAMillion) {
  for (int i = 0; i < 100'000; ++i)
    add("d" + std::to_string(i % 100) + ".test", "t" + std::to_string(i % 7), "s" + std::to_string(i % 1'000));
  turns(5'000);
  const auto urgent = add("d3.test", "t3", "alerts", Urgency::urgent);
  EXPECT_EQ(next(), urgent);
}

TEST_F(LineUpTest, UrgentOfAFullDestination_GoesAllTheSame) {
  for (int i = 0; i < 200; ++i) add("x.test", "t", "s");
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(lineup.pick(false));
  EXPECT_FALSE(lineup.pick(false));
  const auto urgent = add("x.test", "t", "alerts", Urgency::urgent);
  EXPECT_TRUE(lineup.pick(true));
  EXPECT_FALSE(lineup.contains(urgent));
  EXPECT_FALSE(lineup.pick(false));
}

TEST_F(LineUpTest, LowPriorityNeverStarves) {
  for (int i = 0; i < 20'000; ++i) {
    add("x.test", "t", "u", Urgency::urgent);
    add("x.test", "t", "n");
    add("x.test", "t", "l", Urgency::non_urgent);
  }
  const auto had = turns(7'300);
  EXPECT_NEAR(had.at("t/u@x.test"), 6'400, 100);
  EXPECT_NEAR(had.at("t/n@x.test"), 800, 20);
  EXPECT_NEAR(had.at("t/l@x.test"), 100, 10);
}

TEST_F(LineUpTest, ADestinationGetsItsBacklogAndThenMoreIfItIsQuick) {
  for (int i = 0; i < 10'000; ++i) add("x.test", "t", "s");
  std::vector<Place> out;
  while (const auto pick = lineup.pick(false)) out.push_back(pick->place);
  EXPECT_EQ(out.size(), 64u);
  // a thousand in a quarter of a second
  for (int i = 0; i < 1'000; ++i) {
    lineup.back(out.back(), steady(1'000 + i / 4));
    ASSERT_TRUE(lineup.pick(false));
  }
  lineup.back(out.back(), steady(1'250));
  std::size_t more = 63;
  while (lineup.pick(false)) ++more;
  EXPECT_GT(more, 450u);
  EXPECT_LE(more, 510u);
}

TEST_F(LineUpTest, SlowDestinations_LeaveRoomForTheOthers) {
  lineup.destinations().set_limits(40, 64);
  for (int i = 0; i < 100; ++i) {
    add("a.test", "t", "s");
    add("b.test", "t", "s");
  }
  std::map<Place, int> out;
  while (const auto pick = lineup.pick(false)) ++out[pick->place];
  EXPECT_LE(lineup.destinations().out(), 30u);
  const auto other = add("c.test", "t", "s");
  EXPECT_EQ(next(), other);
}

TEST_F(LineUpTest, Down_NothingGoesThereUntilItsTime_ThenOneThenMore) {
  for (int i = 0; i < 1'000; ++i) add("dead.test", "t", "s");
  const auto other = add("x.test", "t", "s");
  const auto first = lineup.pick(false);
  lineup.destinations().down(first->place, 60s, steady(0));
  lineup.back(first->place, steady(0));
  EXPECT_EQ(next(), other);
  EXPECT_FALSE(lineup.pick(false));
  lineup.reopen(steady(59'999));
  EXPECT_FALSE(lineup.pick(false));
  lineup.reopen(steady(60'000));
  auto probe = lineup.pick(false);
  ASSERT_TRUE(probe);
  EXPECT_FALSE(lineup.pick(false));
  lineup.destinations().down(probe->place, 300s, steady(60'000));
  lineup.back(probe->place, steady(60'000));
  EXPECT_EQ(lineup.destinations().failures(probe->place), 2u);
  lineup.reopen(steady(360'000));
  const Place place = probe->place;
  ASSERT_TRUE(lineup.pick(false));
  for (std::size_t picked = 1; picked <= 64; picked *= 2) {  // so many are out
    for (std::size_t i = 0; i < picked; ++i) {
      lineup.alive(place);
      lineup.destinations().back(place, steady(360'000));
    }
    std::size_t next_wave = 0;
    lineup.destinations().take(place);
    lineup.back(place, steady(360'000));
    while (lineup.pick(false)) ++next_wave;
    EXPECT_EQ(next_wave, picked == 64 ? 65 : picked * 2) << picked;
  }
  EXPECT_EQ(lineup.destinations().failures(place), 0u);
}

TEST_F(LineUpTest, ATenantKeptBackAtOneDestination_KeepsNobodyElseBack) {
  for (int i = 0; i < 10; ++i) {
    add("x.test", "kept", "s");
    add("x.test", "free", "s");
    add("y.test", "kept", "s");
  }
  const Place place = lineup.place_of("x.test");
  lineup.close(place, "kept", steady(1'000));
  add("x.test", "kept", "alerts", Urgency::urgent);
  EXPECT_EQ(lineup.next_reopening(), steady(1'000));
  const auto had = turns(100);
  EXPECT_EQ(had.size(), 2u);
  EXPECT_EQ(had.at("free/s@x.test"), 10);
  EXPECT_EQ(had.at("kept/s@y.test"), 10);
  lineup.reopen(steady(999));
  EXPECT_FALSE(lineup.pick(false));
  lineup.reopen(steady(1'000));
  EXPECT_EQ(turns(100).at("kept/s@x.test"), 10);
  EXPECT_EQ(lineup.lined_up(), 0u);
  EXPECT_FALSE(lineup.next_reopening());
}

TEST_F(LineUpTest, MomentsOfWhatIsLinedUpComeAllTheSame) {
  const Place place = lineup.place_of("dead.test");
  lineup.line_up(id(1), place, {"t", "s"}, at(100));
  lineup.wait(id(2), at(50), false);
  lineup.wait(id(3), at(70), true);
  EXPECT_EQ(lineup.next_due(), at(50));
  EXPECT_FALSE(lineup.take_due(at(49)));
  auto due = lineup.take_due(at(1'000));
  EXPECT_EQ(due->id, id(2));
  EXPECT_FALSE(due->must);
  due = lineup.take_due(at(1'000));
  EXPECT_EQ(due->id, id(3));
  EXPECT_TRUE(due->must);
  due = lineup.take_due(at(1'000));
  EXPECT_EQ(due->id, id(1));
  EXPECT_TRUE(due->must);
  EXPECT_FALSE(lineup.take_due(at(1'000)));
  EXPECT_FALSE(lineup.pick(false));
  EXPECT_EQ(lineup.lined_up(place), 0u);
}

// Domains of one provider, known by their site.
TEST_F(LineUpTest, DomainsOfASiteAreOneDestination) {
  std::vector<MessageId> all;
  for (int i = 0; i < 30; ++i) all.push_back(add("d" + std::to_string(i % 3) + ".test", "t" + std::to_string(i % 2), "s"));
  for (int d = 0; d < 3; ++d) lineup.learn("d" + std::to_string(d) + ".test", "mx.test");
  const Place site = lineup.destinations().of_site("mx.test");
  EXPECT_EQ(lineup.place_of("d0.test"), site);
  EXPECT_EQ(lineup.place_of("d2.test"), site);
  EXPECT_EQ(lineup.lined_up(site), 30u);
  EXPECT_EQ(lineup.lined_up(), 30u);
  EXPECT_TRUE(lineup.remove(all[4]));
  const auto probe = lineup.pick(false);
  lineup.destinations().down(probe->place, 1s, steady(0));
  EXPECT_FALSE(lineup.pick(false));
  lineup.destinations().alive(site);
  lineup.back(site, steady(0));
  EXPECT_EQ(turns(100).size(), 6u);  // two tenants at three domains
  EXPECT_EQ(lineup.lined_up(), 0u);
}

TEST_F(LineUpTest, ADomainThatMoves_TakesItsNewMailWithIt) {
  add("d.test", "t", "s");
  lineup.learn("d.test", "one.test");
  const Place one = lineup.place_of("d.test");
  lineup.learn("d.test", "two.test");
  EXPECT_NE(lineup.place_of("d.test"), one);
  EXPECT_EQ(lineup.lined_up(one), 1u);
  EXPECT_EQ(turns(5).size(), 1u);
}

TEST_F(LineUpTest, IdleDestinationsAreForgotten) {
  add("kept.test", "t", "s");
  for (int i = 0; i < 100'000; ++i) {
    add("d" + std::to_string(i) + ".test", "t", "s");
    if (i % 2 == 0) turns(2);
  }
  turns(100'000);
  for (int i = 0; i < 3'000; ++i) lineup.place_of("e" + std::to_string(i) + ".test");
  EXPECT_LT(lineup.destinations().size(), 120'000u);
  lineup.place_of("x.test");
  turns(100'000);
  EXPECT_EQ(lineup.lined_up(), 0u);
}

// Whatever is done in whatever order, each message is in it once or not at all, and all come out.
TEST_F(LineUpTest, AnythingGoes_NothingIsLost) {
  std::mt19937_64 random(3);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  std::unordered_map<MessageId, bool> in;
  std::vector<Place> out;
  SteadyTime now{};
  for (int step = 0; step < 200'000; ++step) {
    now += 1ms;
    const auto what = id(below(5'000));
    const std::string domain = "d" + std::to_string(below(40)) + ".test";
    switch (below(9)) {
      case 0:
        lineup.wait(what, at(static_cast<std::int64_t>(below(1'000))), false);
        in[what] = true;
        break;
      case 1:
      case 2:
      case 3:
        lineup.line_up(what, lineup.place_of(domain), {"t" + std::to_string(below(3)), "s" + std::to_string(below(9)), Urgency(below(3))},
                       at(static_cast<std::int64_t>(below(100'000))));
        in[what] = true;
        break;
      case 4: EXPECT_EQ(lineup.remove(what), in.erase(what) == 1); break;
      case 5:
        if (const auto pick = lineup.pick(below(2) == 0)) {
          ASSERT_EQ(in.erase(pick->id), 1u);
          out.push_back(pick->place);
        }
        break;
      case 6:
        if (!out.empty()) {
          const std::size_t which = below(out.size());
          if (below(10) == 0) lineup.destinations().down(out[which], Duration(below(2'000)), now);
          if (below(3) == 0) lineup.alive(out[which]);
          if (below(10) == 0) lineup.close(out[which], "t" + std::to_string(below(3)), now + Duration(below(500)));
          lineup.back(out[which], now);
          out.erase(out.begin() + static_cast<std::ptrdiff_t>(which));
        }
        break;
      case 7: lineup.learn(domain, "mx" + std::to_string(below(below(50) == 0 ? 9 : 3)) + ".test"); break;
      case 8:
        lineup.reopen(now);
        if (const auto due = lineup.take_due(at(static_cast<std::int64_t>(below(500))))) ASSERT_EQ(in.erase(due->id), 1u);
        break;
    }
    ASSERT_EQ(lineup.size(), in.size());
  }
  for (const Place place : out) lineup.back(place, now);
  lineup.reopen(now + 1h);
  while (const auto pick = lineup.pick(false)) {
    ASSERT_EQ(in.erase(pick->id), 1u);
    lineup.alive(pick->place);
    lineup.back(pick->place, now);
  }
  while (const auto due = lineup.take_due(kLater)) ASSERT_EQ(in.erase(due->id), 1u);
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(lineup.destinations().out(), 0u);
  EXPECT_EQ(lineup.destinations().closed(), 0u);
}

}  // namespace
}  // namespace godwit::scheduler
