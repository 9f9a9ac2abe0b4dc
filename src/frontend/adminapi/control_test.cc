// Who may administer, and actions on a queue that is longer than a page.

#include "frontend/adminapi/control.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <span>

#include "frontend/adminapi/control_fixture.h"

namespace godwit::adminapi {
namespace {

using ::testing::HasSubstr;
using Action = scheduler::Scheduler::Action;

TEST(MayAdminister, RootTheServerAndItsGroup) {
  constexpr unsigned kUser = 901;
  constexpr unsigned kGroup = 902;
  struct Case {
    std::string_view name;
    std::optional<net::PeerCredentials> peer;
    bool expected;
  };
  const Case cases[] = {
      {"nobody can be named: not a Unix socket", std::nullopt, false},
      {"root", net::PeerCredentials{0, 0, 1, ""}, true},
      {"the server's own user", net::PeerCredentials{kUser, 100, 1, ""}, true},
      {"primary group", net::PeerCredentials{1000, kGroup, 1, ""}, true},
      {"supplementary group, alone", net::PeerCredentials{1000, 1000, 1, "902"}, true},
      {"supplementary group, first", net::PeerCredentials{1000, 1000, 1, "902 27"}, true},
      {"supplementary group, last", net::PeerCredentials{1000, 1000, 1, "4 27 902"}, true},
      {"a stranger", net::PeerCredentials{1000, 1000, 1, "4 27"}, false},
      {"without groups", net::PeerCredentials{1000, 1000, 1, ""}, false},
      {"a group that begins like it", net::PeerCredentials{1000, 1000, 1, "9020 90 1902"}, false},
      {"a user with the group's number", net::PeerCredentials{kGroup, 1000, 1, ""}, false},
      {"a group with the user's number", net::PeerCredentials{1000, kUser, 1, "901"}, false},
      {"the group root is not the user root", net::PeerCredentials{1000, 0, 1, "0"}, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(may_administer(one.peer, kUser, kGroup), one.expected);
  }
}

class QueueActions : public ControlTest {
 protected:
  QueueActions() {
    GODWIT_CHECK(world.add_domain("example.org").has_value() && world.add_account("bob@example.org", "secret").has_value());
    context.act = [this](MessageId id, Action, std::string) { return act(id); };
  }

  void fill(std::size_t messages, const std::string& rcpt = "bob@example.org") {
    for (std::size_t i = 0; i < messages; ++i) {
      intake::Source source;
      source.door = intake::Source::Door::local;
      source.helo = "test";
      auto transaction = world.loop.run(world.intake->begin(source, {})).value();
      GODWIT_CHECK(world.loop.run(transaction->add_recipient(*smtp::parse_address(rcpt), {}, "")).positive());
      GODWIT_CHECK(transaction->begin_body().intermediate());
      world.loop.run(transaction->append("Subject: x\r\n\r\n"));
      GODWIT_CHECK(world.loop.run(transaction->commit()).positive());
    }
  }

  // Drops as the scheduler would.
  Task<Result<bool>> act(MessageId id) {
    acted.push_back(id);
    if (before_act) co_await before_act();
    if (fail_at == acted.size()) co_return fail(Error::temporary(Error::Cause::io, "the disk is gone"));
    GODWIT_CO_ASSIGN(const auto message, co_await world.queue->load(id));
    if (!message) co_return false;
    GODWIT_CO_TRY(co_await world.queue->complete(*message, {}));
    co_return true;
  }

  Task<Result<bool>> note(MessageId id) {
    acted.push_back(id);
    co_return true;
  }
  static Task<std::vector<std::optional<WallTime>>> only(MessageId busy, std::vector<MessageId> ids) {
    const WallTime since = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)) + std::chrono::seconds(20 * 3600 + 389);
    std::vector<std::optional<WallTime>> answer;
    answer.reserve(ids.size());
    for (const MessageId id : ids) answer.push_back(id == busy ? std::optional(since) : std::nullopt);
    co_return answer;
  }
  Task<> remove(std::span<const queue::Message> messages) {
    for (const auto& message : messages) GODWIT_CHECK((co_await world.queue->complete(message, {})).has_value());
  }
  // Another message like it.
  Task<> copy(queue::Message message) {
    message.id = world.queue->next_id(0);
    const auto body = world.blobs.begin(queue::Queue::partition_of(message.id), message.id.value);
    ignore(co_await body->append("Subject: x\r\n\r\n"), "memory");
    message.blob = (co_await body->finish()).value();
    GODWIT_CHECK((co_await world.queue->accept(message, *body)).has_value());
  }

  http::Response post(const std::string& body) { return ask("POST", "/v1/queue/actions", body); }
  http::Response get(const std::string& target) { return ask("GET", target); }

  std::vector<MessageId> acted;
  std::function<Task<>()> before_act;
  std::size_t fail_at = 0;
};

TEST_F(QueueActions, All_ReachesEveryMessageOnce) {
  fill(350);
  const auto answer = post(R"({"action": "drop", "to": "*"})");
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(parsed(answer).at("count").to_number<int>(), 350);
  EXPECT_EQ(parsed(answer).at("messages").as_array().size(), 350u);
  EXPECT_EQ(acted.size(), 350u);
  EXPECT_TRUE(std::ranges::is_sorted(acted));
  EXPECT_TRUE(world.stored().empty());
}

// Who has gone before his turn is not counted.
TEST_F(QueueActions, GoneMeanwhile_IsNotCounted) {
  fill(350);
  const auto all = world.stored();
  before_act = [&] { return remove(acted.size() == 1 ? std::span(all).subspan(200) : std::span<const queue::Message>()); };
  const auto answer = post(R"({"action": "drop", "to": "*"})");
  EXPECT_EQ(parsed(answer).at("count").to_number<int>(), 200);
  EXPECT_TRUE(world.stored().empty());
}

// As many come in as are dropped: the walk ends nevertheless.
TEST_F(QueueActions, BusyQueue_DoesNotKeepItGoing) {
  fill(250);
  GODWIT_CHECK(post(R"({"action": "drop", "to": "nobody@*"})").status == 200);
  EXPECT_TRUE(acted.empty());
  const auto spare = world.stored();
  before_act = [&] { return copy(spare.front()); };
  post(R"({"action": "drop", "to": "*"})");
  EXPECT_GE(acted.size(), 250u);
  EXPECT_LE(acted.size(), 450u);
}

TEST_F(QueueActions, Error_SaysHowManyWereDone) {
  fill(150);
  fail_at = 121;
  const auto answer = post(R"({"action": "drop", "to": "*"})");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("the disk is gone; 120 messages were done before"));
}

TEST_F(QueueActions, Stopping_EndsEarly) {
  fill(10);
  context.stopping = [this] { return acted.size() == 4; };
  const auto answer = post(R"({"action": "drop", "to": "*"})");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, HasSubstr("the server is stopping, try again when it is up; 4 messages were done before"));
}

TEST_F(QueueActions, OneMessage_OrNone) {
  fill(2);
  const auto all = world.stored();
  EXPECT_EQ(post(R"({"action": "drop", "id": ")" + all[1].id.text() + R"("})").status, 200u);
  EXPECT_EQ(post(R"({"action": "drop", "id": ")" + all[1].id.text() + R"("})").status, 404u);
  EXPECT_EQ(post(R"({"action": "drop"})").status, 400u);
  EXPECT_EQ(world.stored().size(), 1u);
}

TEST_F(QueueActions, List_ShowsAllPages) {
  fill(230);
  const auto answer = parsed(get("/v1/queue"));
  EXPECT_EQ(answer.at("messages").as_array().size(), 230u);
  EXPECT_FALSE(answer.at("more").as_bool());
}

// What is being tried is told apart: nothing has happened to it yet.
TEST_F(QueueActions, UnderWay_IsSaidToBeAskedAndShownAsBeingTried) {
  fill(3);
  const MessageId busy = world.stored()[1].id;
  context.act = [this](MessageId id, Action, std::string) { return note(id); };
  context.attempting_since = [busy](std::vector<MessageId> ids) { return only(busy, std::move(ids)); };
  const auto dropped = parsed(post(R"({"action": "drop", "to": "*"})"));
  EXPECT_EQ(dropped.at("count").to_number<int>(), 3);
  EXPECT_EQ(dropped.at("asked").to_number<int>(), 1);
  EXPECT_EQ(parsed(post(R"({"action": "retry"})")).at("asked").to_number<int>(), 0);
  const auto shown = parsed(get("/v1/queue/" + busy.text()));
  EXPECT_EQ(shown.at("attempting_since").as_string(), "2026-11-22T20:06:29Z");
  EXPECT_EQ(shown.at("recipients").at(0).at("why").as_string(), "being tried now, since 20:06:29");
  const auto listed = parsed(get("/v1/queue"));
  const auto& messages = listed.at("messages").as_array();
  EXPECT_EQ(messages.at(0).at("recipients").at(0).at("why").as_string(), "not tried yet");
  EXPECT_EQ(messages.at(1).at("recipients").at(0).at("why").as_string(), "being tried now, since 20:06:29");
}

TEST_F(QueueActions, AliasInACircle_IsRefusedWithTheWayRound) {
  const auto add = [this](std::string_view name, std::string_view target) {
    return ask("POST", "/v1/aliases", fmt::format(R"({{"address": "{}", "targets": ["{}"]}})", name, target));
  };
  const auto direct = add("loop@example.org", "loop@example.org");
  EXPECT_EQ(direct.status, 409);
  EXPECT_THAT(direct.body, HasSubstr("loop@example.org would lead in a circle: loop@example.org -> loop@example.org"));
  EXPECT_EQ(add("a@example.org", "b@example.org").status, 200);
  EXPECT_THAT(add("b@example.org", "a@example.org").body, HasSubstr("b@example.org -> a@example.org -> b@example.org"));
  EXPECT_EQ(add("b@example.org", "bob@example.org").status, 200);
}

}  // namespace
}  // namespace godwit::adminapi
