// Filters against cards and messages, and rules: what they catch, and that they are there after a restart.

#include "state/queue/rules.h"

#include <gmock/gmock.h>

#include "state/queue/pattern.h"
#include "state/queue/queue_fixture.h"
#include "state/queue/record.h"
#include "state/queue/rule_record.h"

namespace godwit::queue {
namespace {

using namespace std::chrono_literals;
using testing::recipient;
using Answer = Filter::Answer;

TEST(Pattern, Stars) {
  EXPECT_TRUE(pattern_match("*@Example.org", "bob@example.ORG"));
  EXPECT_TRUE(pattern_match("b*@*", "bob@example.org"));
  EXPECT_TRUE(pattern_match("*", ""));
  EXPECT_FALSE(pattern_match("", "a"));
  EXPECT_FALSE(pattern_match("*@example.org", "bob@example.org.test"));
  EXPECT_TRUE(pattern_match("a*b*c", "aXXbXbYc"));
}

Message sample() {
  Message message;
  message.id = {std::uint64_t{1'000'000} << 23};
  message.reverse_path = smtp::ReversePath(testing::address("news@Example.org"));
  message.recipients = {recipient("bob@one.example"), recipient("eve@two.example")};
  message.tenant = "example.org";
  message.identity = "anna@example.org";
  message.priority = keep_priority(4);
  return message;
}

Answer by_card(const Filter& filter, const Message& message) {
  Catalogue catalogue;
  catalogue.put(message, {}, true);
  return filter.matches(catalogue.names(), *catalogue.find(message.id));
}

TEST(Filter, CardAndMessageAgree) {
  const Message message = sample();
  struct Case {
    std::string_view name;
    std::function<void(Filter&)> set;
    Answer card;
    bool whole;
  };
  const Case cases[] = {
      {"nothing", [](Filter&) {}, Answer::yes, true},
      {"from", [](Filter& f) { f.from = "news@*"; }, Answer::yes, true},
      {"from another", [](Filter& f) { f.from = "spam@*"; }, Answer::no, false},
      {"null path", [](Filter& f) { f.from = "<>"; }, Answer::no, false},
      {"sender is the account", [](Filter& f) { f.sender = "anna@example.org"; }, Answer::yes, true},
      {"sender is not the path", [](Filter& f) { f.sender = "news@example.org"; }, Answer::no, false},
      {"tenant", [](Filter& f) { f.tenant = "EXAMPLE.org"; }, Answer::yes, true},
      {"first domain", [](Filter& f) { f.domain = "one.example"; }, Answer::yes, true},
      {"second domain", [](Filter& f) { f.domain = "two.example"; }, Answer::ask, true},
      {"third domain", [](Filter& f) { f.domain = "three.example"; }, Answer::ask, false},
      {"everybody", [](Filter& f) { f.to = "*"; }, Answer::yes, true},
      {"to, all of a domain", [](Filter& f) { f.to = "*@one.example"; }, Answer::yes, true},
      {"to, the second", [](Filter& f) { f.to = "eve@two.example"; }, Answer::ask, true},
      {"to, nobody", [](Filter& f) { f.to = "carol@one.example"; }, Answer::ask, false},
      {"to and domain are of one recipient", [](Filter& f) { f.to = "bob@*", f.domain = "two.example"; }, Answer::ask, false},
      {"class", [](Filter& f) { f.reason = "untried"; }, Answer::yes, true},
      {"another class", [](Filter& f) { f.reason = "greylisted"; }, Answer::no, false},
      {"held", [](Filter& f) { f.held = true; }, Answer::no, false},
      {"not held", [](Filter& f) { f.held = false; }, Answer::yes, true},
      {"urgent", [](Filter& f) { f.urgency = Urgency::urgent; }, Answer::yes, true},
      {"normal", [](Filter& f) { f.urgency = Urgency::normal; }, Answer::no, false},
      {"id", [](Filter& f) { f.id = MessageId{1}; }, Answer::no, false},
      {"too young", [&](Filter& f) { f.before = message.id.time(); }, Answer::no, false},
      {"old enough", [&](Filter& f) { f.before = message.id.time() + 1ms; }, Answer::yes, true},
      {"all of it must hold", [](Filter& f) { f.from = "news@*", f.tenant = "other.example"; }, Answer::no, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Filter filter;
    one.set(filter);
    EXPECT_EQ(by_card(filter, message), one.card);
    EXPECT_EQ(filter.matches(message), one.whole);
  }
}

TEST(Filter, WhoIsDone_IsNoRecipientThatWaits) {
  Message message = sample();
  message.recipients[0].state = Recipient::State::delivered;
  Filter filter;
  filter.domain = "one.example";
  EXPECT_EQ(by_card(filter, message), Answer::no);
  EXPECT_FALSE(filter.matches(message));
  filter.domain = "two.example";
  EXPECT_EQ(by_card(filter, message), Answer::yes);
}

Rule suspension(std::function<void(Filter&)> set) {
  Rule rule;
  set(rule.filter);
  return rule;
}

TEST(Rules, Suspended_UntilItsTime_ByCardWhereThatIsSure) {
  const Message message = sample();
  Rule rule = suspension([](Filter& filter) { filter.from = "news@*"; });
  rule.until = WallTime(100s);
  const Rules rules({rule});
  Catalogue catalogue;
  catalogue.put(message, {}, true);
  const Card& card = *catalogue.find(message.id);
  EXPECT_TRUE(rules.suspended(catalogue.names(), card, WallTime(99s)));
  EXPECT_FALSE(rules.suspended(catalogue.names(), card, WallTime(100s)));
  EXPECT_TRUE(rules.suspended(message, message.recipients[1], WallTime(99s)));

  const Rules by_domain({suspension([](Filter& filter) { filter.domain = "one.example"; })});
  EXPECT_FALSE(by_domain.suspended(catalogue.names(), card, WallTime()));  // eve goes on
  EXPECT_TRUE(by_domain.suspended(message, message.recipients[0], WallTime()));
  EXPECT_FALSE(by_domain.suspended(message, message.recipients[1], WallTime()));
}

TEST(Rules, Site_ByItsName) {
  Rule rule;
  rule.site = "*.google.com*";
  const Rules rules({rule});
  EXPECT_TRUE(rules.suspended_site("mx:gmail-smtp-in.l.google.com:25", WallTime()));
  EXPECT_FALSE(rules.suspended_site("mx.example", WallTime()));
  EXPECT_FALSE(rules.suspended(sample(), sample().recipients[0], WallTime()));
}

TEST(Rules, ActionUnderWay_KeepsBackWhatWasThere) {
  const Message message = sample();
  Rule rule = suspension([](Filter& filter) { filter.to = "*"; });
  rule.kind = Rule::Kind::action;
  rule.action = Rule::Action::drop;
  rule.up_to = message.id;
  EXPECT_TRUE(Rules({rule}).suspended(message, message.recipients[0], WallTime()));
  rule.up_to.value -= 1;
  EXPECT_FALSE(Rules({rule}).suspended(message, message.recipients[0], WallTime()));
  rule.up_to = message.id;
  rule.action = Rule::Action::retry;
  EXPECT_FALSE(Rules({rule}).suspended(message, message.recipients[0], WallTime()));
}

TEST(RuleRecord, RoundTrip) {
  Rule rule;
  rule.number = 12;
  rule.kind = Rule::Kind::action;
  rule.filter.id = MessageId{77};
  rule.filter.to = "*";
  rule.filter.reason = "greylisted";
  rule.filter.before = WallTime(5s);
  rule.filter.held = false;
  rule.filter.urgency = Urgency::non_urgent;
  rule.until = WallTime(9s);
  rule.why = "because";
  rule.action = Rule::Action::reroute;
  rule.up_to = {99};
  rule.next_hop = "smtp://host:25";
  const auto back = decode_rule(12, encode_rule(rule));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_rule(*back), encode_rule(rule));
  EXPECT_EQ(back->filter.text(), rule.filter.text());
  EXPECT_FALSE(decode_rule(1, "\x02"));
  EXPECT_FALSE(decode_rule(1, std::string("\x01\x08\x09", 3)));  // kind 9
}

class RulesTest : public testing::QueueFixture {
 protected:
  Rule add(Rule rule) { return loop.run(queue->add_rule(std::move(rule))).value(); }
};

TEST_F(RulesTest, AreThereAfterARestart_AndGoWhenRemoved) {
  const auto version = queue->rules_version();
  const Rule first = add(suspension([](Filter& filter) { filter.from = "a@*"; }));
  const Rule second = add(suspension([](Filter& filter) { filter.from = "b@*"; }));
  EXPECT_LT(first.number, second.number);
  EXPECT_GT(queue->rules_version(), version);
  crash_and_open();
  ASSERT_EQ(queue->rules()->all().size(), 2u);
  EXPECT_EQ(queue->rules()->find(second.number)->filter.from, "b@*");
  EXPECT_TRUE(loop.run(queue->remove_rule(first.number)).value());
  EXPECT_FALSE(loop.run(queue->remove_rule(first.number)).value());
  crash_and_open();
  EXPECT_EQ(queue->rules()->all().size(), 1u);
  EXPECT_GT(add({}).number, second.number);
}

TEST_F(RulesTest, HoldsNew_AtItsAccept) {
  Rule rule = suspension([](Filter& filter) { filter.from = "sender@*"; });
  rule.kind = Rule::Kind::hold_new;
  rule.why = "to be looked at";
  const Rule kept = add(rule);
  const Message held = accepted();
  EXPECT_TRUE(held.held);
  EXPECT_TRUE(held.rows.waiting);
  EXPECT_EQ(load(held.id)->held_because, "to be looked at");
  EXPECT_TRUE(queue->catalogue(0).find(held.id)->held);
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_TRUE(loop.run(queue->remove_rule(kept.number)).value());
  EXPECT_FALSE(accepted().held);
}

TEST_F(RulesTest, HoldsNew_OfManyRecipients) {
  Rule rule = suspension([](Filter& filter) { filter.to = "rcpt39@*"; });
  rule.kind = Rule::Kind::hold_new;
  add(rule);
  const Message held = accepted(40);
  EXPECT_TRUE(held.held);
  EXPECT_EQ(queue->catalogue(0).find(held.id)->due, kNever);
  EXPECT_FALSE(accepted(39).held);
}

}  // namespace
}  // namespace godwit::queue
