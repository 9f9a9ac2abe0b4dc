// Where mail leaves from: pools, sources that fail or are suspended, tenants that are stopped. Simulated time.

#include "service/outbound/sources_fixture.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(SourceOrder, IsOfTheMessage_AndSharedByWeight) {
  Pool pool;
  for (const auto& [name, weight] : {std::pair("a", 1u), std::pair("b", 3u), std::pair("c", 6u)}) {
    auto source = std::make_shared<Source>();
    source->name = name;
    pool.members.push_back({source, weight});
  }
  std::map<std::size_t, int> first;
  for (std::uint64_t id = 1; id <= 10'000; ++id) {
    const auto order = in_order(pool, MessageId{id << 23});
    ASSERT_EQ(order.size(), 3u);
    ASSERT_EQ(order, in_order(pool, MessageId{id << 23}));
    ++first[order.front()];
  }
  EXPECT_NEAR(first[0], 1'000, 150);
  EXPECT_NEAR(first[1], 3'000, 250);
  EXPECT_NEAR(first[2], 6'000, 250);
}

TEST_F(Sources, None_LeavesAsTheSystemChooses) {
  offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(server_.dialogues[0].commands[0], "EHLO mx.example.org");
  EXPECT_EQ(outbound_->status()[0].source, "");
}

TEST_F(Sources, EachHasItsNameConnectionsAndPlaceInTheStory) {
  configure_two();
  const auto by_a = offer(message_of("a"));
  const auto by_b = offer(message_of("b"));
  loop_.poll();
  EXPECT_EQ(summary(*by_a), "delivered 2.0.0");
  EXPECT_EQ(summary(*by_b), "delivered 2.0.0");
  EXPECT_EQ(dialogues_by_source(), (std::map<std::string, std::size_t>{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(dialers_["a"]->dials, 1u);
  EXPECT_THAT(trace_.lines[0], ::testing::StartsWith("attempt: mx.peer.test [127.0.0.1]:2600 from a, <bob@peer.test>"));
  EXPECT_EQ(outbound_->status().size(), 2u);
}

TEST_F(Sources, Routes_NameTheirPool_AndTheirOwnHopsHaveNoneOtherwise) {
  configure_two();
  offer(message({"bob@peer.test"}), route_site({"smtp://127.0.0.1:2600"}));
  loop_.poll();
  EXPECT_EQ(server_.dialogues[0].commands[0], "EHLO mx.example.org");
  auto routed = route_site({"smtp://127.0.0.1:2600"});
  routed->pool = "main";
  routed->name += " pool=main";
  offer(message_of("b"), routed);
  loop_.poll();
  EXPECT_EQ(greeted_by(1), "b");
  auto lost = route_site({"smtp://127.0.0.1:2600"});
  lost->pool = "gone";
  lost->name += " pool=gone";
  const auto result = offer(message({"bob@peer.test"}), lost);
  loop_.poll();
  EXPECT_EQ(summary(*result), "deferred 4.3.5 down");
  EXPECT_THAT(result->outcomes[0].text, HasSubstr("there is no pool gone any more"));
}

TEST_F(Sources, Suspended_TheOthersGoOn) {
  configure_two();
  server_.on_command = [this](const std::string& command, std::size_t dialogue) -> std::optional<std::string> {
    if (command.starts_with("MAIL") && greeted_by(dialogue) == "a") return "450 4.7.1 you are blocked\r\n";
    return std::nullopt;
  };
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 3; ++i) {
    results.push_back(offer(message_of("a")));
    loop_.poll();
  }
  for (const auto& result : results) EXPECT_EQ(summary(*result), "deferred 4.7.1");
  EXPECT_TRUE(status_of("a").down);
  const auto after = offer(message_of("a"));
  loop_.poll();
  EXPECT_EQ(summary(*after), "delivered 2.0.0");
  EXPECT_EQ(greeted_by(server_.dialogues.size() - 1), "b");
  loop_.advance(31min);
  EXPECT_FALSE(status_of("a").down);
}

TEST_F(Sources, Suspended_WhatWaitsInMemoryMovesToAnother) {
  configure_two();
  server_.before_final_reply = [this] { return loop_.clock().sleep(1s); };
  settings_->sites = {{"*", 1, {}, {}}};
  server_.on_command = [this](const std::string& command, std::size_t dialogue) -> std::optional<std::string> {
    if (command.starts_with("MAIL") && greeted_by(dialogue) == "a") return "450 4.7.1 you are blocked\r\n";
    return std::nullopt;
  };
  std::vector<std::shared_ptr<JobResult>> results;
  for (int i = 0; i < 20; ++i) results.push_back(offer(message_of("a")));
  loop_.advance(1min);
  std::map<std::string, int> counts;
  for (const auto& result : results) ++counts[summary(*result)];
  EXPECT_EQ(counts["deferred 4.7.1"] + counts["delivered 2.0.0"], 20);
  EXPECT_LE(counts["deferred 4.7.1"], 4) << "no more than were under way when the third refusal came";
}

TEST_F(Sources, RestSite_IsOfAllSources) {
  configure_two();
  answer("MAIL", "450 4.7.1 go away\r\n");
  for (int i = 0; i < 3; ++i) {
    offer(message_of("a"));
    loop_.poll();
  }
  const auto dialogues = server_.dialogues.size();
  const auto result = offer(message_of("b"));
  loop_.poll();
  EXPECT_EQ(summary(*result), "deferred 4.7.1 down");
  EXPECT_EQ(server_.dialogues.size(), dialogues);
  EXPECT_TRUE(status_of("a").down && status_of("b").down);
}

TEST_F(Sources, BrokenSource_RestsItself_NotTheSite) {
  configure_two();
  dialers_["a"]->broken = true;
  const auto first = offer(message_of("a"));
  loop_.poll();
  EXPECT_EQ(summary(*first), "delivered 2.0.0") << "by the other one, at once";
  for (int i = 0; i < 5; ++i) offer(message_of("a"));
  loop_.poll();
  EXPECT_EQ(dialers_["a"]->dials, 1u) << "it rests";
  EXPECT_EQ(server_.messages.size(), 6u);
  EXPECT_TRUE(status_of("a").down);
  EXPECT_THAT(status_of("a").last_error, HasSubstr("the source a cannot be used: connect to 127.0.0.1:2600 from 192.0.2.77"));
  dialers_["a"]->broken = false;
  loop_.advance(61s);
  offer(message_of("a"));
  loop_.poll();
  EXPECT_EQ(dialers_["a"]->dials, 2u);
  EXPECT_FALSE(status_of("a").down);
}

TEST_F(Sources, AllBroken_TheMailWaits_WithTheReason) {
  configure({{source("a"), 1}});
  dialers_["a"]->broken = true;
  const auto first = offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(summary(*first), "deferred 4.3.5 down");
  const auto second = offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(summary(*second), "deferred 4.3.5 down");
  EXPECT_GT(second->outcomes[0].retry_after, 0s);
  EXPECT_EQ(dialers_["a"]->dials, 1u);
  outbound_->probe_now();
  offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(dialers_["a"]->dials, 2u);
}

TEST_F(Sources, SiteUnreachableFromOne_IsTriedFromAnother_NotFromAll) {
  configure({{source("a"), 1}, {source("b"), 1}, {source("c"), 1}, {source("d"), 1}, {source("e"), 1}});
  for (const auto& [name, dialer] : dialers_) dialer->silenced = true;
  const auto result = offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "deferred 4.4.1 down");
  std::size_t dials = 0;
  for (const auto& [name, dialer] : dialers_) dials += dialer->dials;
  EXPECT_EQ(dials, 1u + kMoves);
}

TEST_F(Sources, FamilyWithoutAddress_IsNotDialled) {
  dns_.add_address("mx.peer.test", "::1");
  auto v4 = source("a");
  v4->v6 = false;
  configure({{v4, 1}});
  const auto result = offer(message({"bob@peer.test"}));
  loop_.poll();
  EXPECT_EQ(summary(*result), "delivered 2.0.0");
  EXPECT_EQ(dialers_["a"]->dialed, std::vector{at(1)});
  dns_.add_address("six.test", "::1");
  const auto none = offer(message({"bob@six.test"}), mx_site({{"six.test", 10}}));
  loop_.poll();
  EXPECT_EQ(summary(*none), "deferred 4.4.1 down");
  EXPECT_THAT(none->outcomes[0].text, HasSubstr("six.test has only IPv6 addresses, and the source a has none"));
}

TEST_F(Sources, Tenant_IsStoppedEverywhere_ForAWhile) {
  answer("MAIL", "550 5.7.1 your tenant sends abuse\r\n");
  auto bad = message({"bob@peer.test"});
  bad->tenant = "bad.test";
  const auto first = offer(bad);
  loop_.poll();
  EXPECT_EQ(summary(*first), "bounced 5.7.1") << "of itself what the code says";
  server_.on_command = nullptr;
  auto next = message({"bob@peer.test"});
  next->tenant = "bad.test";
  const auto kept = offer(next, site_of({"127.0.0.1"}));
  auto other = message({"bob@peer.test"});
  other->tenant = "good.test";
  const auto passes = offer(other);
  loop_.poll();
  EXPECT_EQ(summary(*kept), "deferred 4.7.1 down");
  EXPECT_THAT(kept->outcomes[0].text, HasSubstr("the mail of bad.test is kept back for 2h more"));
  EXPECT_EQ(kept->outcomes[0].retry_after, 2h);
  EXPECT_EQ(summary(*passes), "delivered 2.0.0");
  outbound_->probe_now();
  const auto released = offer(next);
  loop_.poll();
  EXPECT_EQ(summary(*released), "delivered 2.0.0");
}

TEST_F(Sources, TheUrgentGoFirst) {
  settings_->sites = {{"*", 1, {}, {}}};
  server_.before_final_reply = [this] { return loop_.clock().sleep(1s); };
  server_.extensions = {"SIZE 1000000"};
  offer(message({"first@peer.test"}));
  loop_.poll();
  for (const auto& [name, priority] : {std::pair("low", 252), std::pair("normal", 0), std::pair("urgent", 6), std::pair("normal2", 0)}) {
    auto made = message({std::string(name) + "@peer.test"});
    made->priority = static_cast<std::uint8_t>(priority);
    offer(made);
  }
  loop_.advance(1min);
  std::vector<std::string> order;
  for (const auto& received : server_.messages) order.push_back(received.to.at(0).substr(1, received.to.at(0).find('@') - 1));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "urgent", "normal", "normal2", "low"}));
}

}  // namespace
}  // namespace godwit::outbound
