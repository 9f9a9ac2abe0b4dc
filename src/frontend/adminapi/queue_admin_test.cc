// The queue's administration over many messages: summaries, filters, rules, actions in the background.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "frontend/adminapi/control_fixture.h"
#include "frontend/adminapi/queue_call.h"

namespace godwit::adminapi {
namespace {

using ::testing::HasSubstr;
using Action = scheduler::Scheduler::Action;
using Change = scheduler::Scheduler::Change;

class QueueAdmin : public ControlTest {
 protected:
  QueueAdmin() {
    context.act = [this](MessageId id, Action action, std::string) { return act(id, action); };
    context.change = [this](MessageId id, Change change) { return note(id, std::move(change)); };
  }
  ~QueueAdmin() override {
    tasks.stop();
    world.loop.poll();
    for (int i = 0; i < 10 && tasks.running() > 0; ++i) world.loop.advance(std::chrono::seconds(2));
    EXPECT_EQ(tasks.running(), 0u);
  }

  // As a running server: the answer does not wait.
  void in_background() {
    context.tasks = &tasks;
    context.executor_of = [this](std::size_t) { return world.loop.executor(); };
    world.loop.run(filled());
  }
  Task<> filled() {
    std::function<bool()> never = [] { return false; };
    co_await world.queue->fill(0, std::move(never));
  }

  MessageId add(const std::string& from, const std::vector<std::string>& to, bool held = false) {
    return world.loop.run(accepted(from, to, held));
  }
  Task<MessageId> accepted(std::string from, std::vector<std::string> to, bool held) {
    queue::Message message;
    message.id = world.queue->next_id(0);
    if (!from.empty()) message.reverse_path = smtp::ReversePath(*smtp::parse_address(from));
    for (const std::string& each : to) {
      message.recipients.emplace_back();
      message.recipients.back().address = *smtp::parse_address(each);
    }
    message.tenant = "example.org";
    message.held = held;
    message.accepted = world.loop.clock().now();
    const auto body = world.blobs.begin(queue::Queue::partition_of(message.id), message.id.value);
    ignore(co_await body->append("Subject: x\r\n\r\n"), "memory");
    message.blob = (co_await body->finish()).value();
    message.size = 14;
    GODWIT_CHECK((co_await world.queue->accept(message, *body)).has_value());
    co_return message.id;
  }

  // As the scheduler would.
  Task<Result<bool>> act(MessageId id, Action action) {
    acted.push_back(id);
    if (busy > 0 && busy-- > 0) co_return fail(Error::temporary(Error::Cause::conflict, "it is being tried"));
    GODWIT_CO_ASSIGN(auto message, co_await world.queue->load(id));
    if (!message) co_return false;
    if (action == Action::drop) {
      GODWIT_CO_TRY(co_await world.queue->complete(*message, {}));
    } else {
      message->held = action == Action::hold;
      GODWIT_CO_TRY(co_await world.queue->update(*message, {}));
    }
    co_return true;
  }
  Task<Result<bool>> note(MessageId id, Change change) {
    acted.push_back(id);
    changes.push_back(std::move(change));
    co_return true;
  }

  static Task<> answer_into(Context& to, http::Request request, std::optional<http::Response>& into) {
    into = co_await handle(to, std::move(request));
  }

  boost::json::object get(const std::string& target) {
    const auto answer = ask("GET", target);
    EXPECT_EQ(answer.status, 200u) << answer.body;
    return parsed(answer);
  }
  http::Response post(const std::string& target, const std::string& body) { return ask("POST", "/v1/queue/" + target, body); }
  static std::string rows(const boost::json::object& summary, std::string_view by) {
    std::string out;
    for (const auto& row : summary.at("by").at(by).as_array())
      out += fmt::format("{}={}/{} ", std::string_view(row.at("name").as_string()), row.at("messages").to_number<int>(),
                         row.at("recipients").to_number<int>());
    return out;
  }
  std::size_t listed(const std::string& query) { return get("/v1/queue?" + query).at("messages").as_array().size(); }

  net::TaskGroup tasks;
  std::vector<MessageId> acted;
  std::vector<Change> changes;
  std::size_t busy = 0;
};

TEST_F(QueueAdmin, Summary_ByEverything) {
  add("a@example.org", {"x@one.example", "y@one.example"});
  add("a@example.org", {"x@two.example"}, true);
  world.loop.advance(std::chrono::hours(2));
  EXPECT_TRUE(world.loop.run(world.queue->renew_id_floor()));
  add("", {"x@one.example"});
  const auto all = get("/v1/queue/summary");
  EXPECT_EQ(all.at("messages").to_number<int>(), 3);
  EXPECT_EQ(all.at("recipients").to_number<int>(), 4);
  EXPECT_EQ(all.at("held").to_number<int>(), 1);
  EXPECT_EQ(rows(all, "domain"), "one.example=2/3 two.example=1/1 ");
  EXPECT_EQ(rows(all, "sender"), "a@example.org=2/3 <>=1/1 ");
  EXPECT_EQ(rows(all, "tenant"), "example.org=3/4 ");
  EXPECT_EQ(rows(all, "class"), "untried=2/3 none=1/1 ");
  EXPECT_EQ(rows(all, "age"), "under 5m=1/1 1h to 4h=2/3 ");
  const auto by = get("/v1/queue/summary?by=domain&older=1h");
  EXPECT_EQ(rows(by, "domain"), "one.example=1/2 two.example=1/1 ");
  EXPECT_EQ(by.at("by").as_object().size(), 1u);
  EXPECT_EQ(ask("GET", "/v1/queue/summary?by=colour").status, 400u);
}

TEST_F(QueueAdmin, Summary_KeepsTheLargest_AndCountsTheOthers) {
  for (int i = 0; i < 15; ++i) add("a@example.org", {fmt::format("x@d{}.example", i)});
  add("a@example.org", {"x@d14.example"});
  EXPECT_TRUE(rows(get("/v1/queue/summary"), "domain").starts_with("d14.example=2/2 "));
  EXPECT_THAT(rows(get("/v1/queue/summary"), "domain"), HasSubstr("(others)=5/5 "));
  EXPECT_EQ(get("/v1/queue/summary?by=domain").at("by").at("domain").as_array().size(), 15u);
}

TEST_F(QueueAdmin, List_Filters) {
  const auto first = add("a@example.org", {"x@one.example", "y@two.example"});
  add("b@example.org", {"x@one.example"}, true);
  add("", {"z@three.example"});
  EXPECT_EQ(listed(""), 3u);
  EXPECT_EQ(listed("from=a@*"), 1u);
  EXPECT_EQ(listed("from=%3C%3E"), 1u);
  EXPECT_EQ(listed("domain=two.example"), 1u);
  EXPECT_EQ(listed("domain=one.example&held=yes"), 1u);
  EXPECT_EQ(listed("to=y@two.example"), 1u);
  EXPECT_EQ(listed("to=y@*"), 1u);
  EXPECT_EQ(listed("held=no"), 2u);
  EXPECT_EQ(listed("priority=urgent"), 0u);
  EXPECT_EQ(listed("class=untried"), 2u);
  EXPECT_EQ(listed("id=" + first.text()), 1u);
  EXPECT_EQ(listed("id=" + first.text() + "&held=yes"), 0u);
  EXPECT_EQ(ask("GET", "/v1/queue?older=soon").status, 400u);
  EXPECT_EQ(ask("GET", "/v1/queue?priority=loud").status, 400u);
  EXPECT_EQ(ask("GET", "/v1/queue?held=maybe").status, 400u);
}

TEST_F(QueueAdmin, Rules_AreLaidDownShownAndEnded) {
  add("a@example.org", {"x@one.example"});
  const auto made = parsed(post("rules", R"({"action": "suspend", "from": "a@*", "for": "2h", "why": "complaints"})"));
  EXPECT_EQ(made.at("count").to_number<int>(), 1);
  EXPECT_EQ(made.at("what").as_string(), "from a@*");
  const auto rules = get("/v1/queue/rules").at("rules").as_array();
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].at("why").as_string(), "complaints");
  EXPECT_EQ(post("rules", R"({"action": "resume", "from": "b@*"})").status, 404u);
  EXPECT_EQ(parsed(post("rules", R"({"action": "resume", "from": "a@*"})")).at("count").to_number<int>(), 1);
  EXPECT_TRUE(get("/v1/queue/rules").at("rules").as_array().empty());
}

TEST_F(QueueAdmin, Rules_TheSameAgain_StandsInPlaceOfTheFirst) {
  post("rules", R"({"action": "suspend", "site": "mx.*", "for": "2h"})");
  post("rules", R"({"action": "suspend", "site": "mx.*", "for": "4h"})");
  EXPECT_EQ(get("/v1/queue/rules").at("rules").as_array().size(), 1u);
  EXPECT_EQ(parsed(post("rules", R"({"action": "resume", "all": true})")).at("count").to_number<int>(), 1);
}

TEST_F(QueueAdmin, Rules_WrongWords) {
  for (const char* body :
       {R"({"action": "suspend"})", R"({"action": "suspend", "from": "a", "older": "2d"})",
        R"({"action": "suspend", "site": "a", "from": "b"})", R"({"action": "suspend", "from": "a", "for": "soon"})",
        R"({"action": "hold", "site": "mx"})", R"({"action": "hold", "from": "a", "for": "2h"})", R"({"action": "dance"})"})
    EXPECT_EQ(post("rules", body).status, 400u) << body;
}

TEST_F(QueueAdmin, HoldNew_HoldsWhatComes_AndReleaseNewEndsIt) {
  EXPECT_EQ(post("rules", R"({"action": "hold", "from": "a@*"})").status, 200u);
  add("a@example.org", {"x@one.example"});
  EXPECT_EQ(listed("held=yes"), 1u);
  EXPECT_EQ(post("rules", R"({"action": "release", "from": "a@*"})").status, 200u);
  add("a@example.org", {"x@one.example"});
  EXPECT_EQ(listed("held=yes"), 1u);
}

TEST_F(QueueAdmin, Many_GoOnInTheBackground_KeptBackByARule) {
  for (int i = 0; i < 700; ++i) add(i % 7 == 0 ? "b@example.org" : "a@example.org", {"x@one.example"});
  in_background();
  const auto answer = parsed(post("actions", R"({"action": "hold", "from": "a@*"})"));
  EXPECT_EQ(answer.at("count").to_number<int>(), 600);
  EXPECT_TRUE(answer.at("going_on").as_bool());
  ASSERT_EQ(world.queue->rules()->all().size(), 1u);
  EXPECT_EQ(world.queue->rules()->all()[0].kind, queue::Rule::Kind::action);
  const auto later = add("a@example.org", {"x@one.example"});
  world.loop.poll();
  EXPECT_EQ(world.queue->totals().held, 600u);
  EXPECT_FALSE(world.queue->catalogue(0).find(later)->held);
  EXPECT_TRUE(world.queue->rules()->all().empty());
}

TEST_F(QueueAdmin, Many_WithWait_AnswerWhenAllIsDone_TryingAgainWhoIsBusy) {
  for (int i = 0; i < 300; ++i) add("a@example.org", {"x@one.example", "y@two.example"});
  in_background();
  busy = 50;
  std::optional<http::Response> answer;
  http::Request request;
  request.method = "POST";
  request.target = request.path = "/v1/queue/actions";
  request.body = R"({"action": "drop", "domain": "two.example", "wait": true})";
  net::spawn(world.loop.executor(), tasks, "test", answer_into(context, std::move(request), answer));
  for (int i = 0; i < 50 && !answer; ++i) world.loop.advance(std::chrono::milliseconds(200));
  ASSERT_TRUE(answer);
  EXPECT_EQ(parsed(*answer).at("count").to_number<int>(), 300) << answer->body;
  EXPECT_FALSE(parsed(*answer).at("going_on").as_bool());
  EXPECT_EQ(acted.size(), 350u);
  EXPECT_EQ(world.queue->totals().messages, 0u);
}

TEST_F(QueueAdmin, UnfinishedAction_GoesOnAfterARestart) {
  for (int i = 0; i < 10; ++i) add("a@example.org", {"x@one.example"});
  in_background();
  queue::Rule rule;
  rule.kind = queue::Rule::Kind::action;
  rule.action = queue::Rule::Action::drop;
  rule.filter.from = "a@*";
  rule.up_to = {UINT64_MAX};
  EXPECT_TRUE(world.loop.run(world.queue->add_rule(rule)));
  resume_actions(context, world.loop.executor());
  world.loop.poll();
  EXPECT_EQ(world.queue->totals().messages, 0u);
  EXPECT_TRUE(world.queue->rules()->all().empty());
}

TEST_F(QueueAdmin, Reroute_SaysWhereAndWhom) {
  add("a@example.org", {"x@one.example"});
  add("a@example.org", {"x@two.example"});
  EXPECT_EQ(post("actions", R"({"action": "reroute", "domain": "one.example", "next_hop": "carrier pigeon"})").status, 400u);
  EXPECT_EQ(post("actions", R"({"action": "reroute", "next_hop": "smtp://a"})").status, 400u);
  EXPECT_EQ(post("actions", R"({"action": "reroute", "domain": "one.example"})").status, 400u);
  const auto done = parsed(post("actions", R"({"action": "reroute", "domain": "one.example", "next_hop": "smtp://relay.test:26"})"));
  EXPECT_EQ(done.at("count").to_number<int>(), 1);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, Change::What::reroute);
  EXPECT_EQ(changes[0].next_hop, "smtp://relay.test:26");
  EXPECT_EQ(changes[0].recipients.domain, "one.example");
}

TEST_F(QueueAdmin, Readdress_WantsAnIdAndTwoAddresses) {
  const auto id = add("a@example.org", {"x@one.example"}).text();
  EXPECT_EQ(post("readdress", fmt::format(R"({{"id": "{}", "to": "x@one.example", "new": "nobody"}})", id)).status, 400u);
  EXPECT_EQ(post("readdress", R"({"id": "7", "to": "x@one.example", "new": "y@one.example"})").status, 400u);
  EXPECT_EQ(post("readdress", fmt::format(R"({{"id": "{}", "to": "x@one.example", "new": "y@one.example"}})", id)).status, 200u);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].new_address.text(), "y@one.example");
}

}  // namespace
}  // namespace godwit::adminapi
