// What a route asks of a message.

#include "service/routing/conditions.h"

#include <gmock/gmock.h>

namespace godwit::routing {
namespace {

using ::testing::HasSubstr;

Conditions made(const Route& route) {
  auto conditions = Conditions::parse(route);
  EXPECT_TRUE(conditions) << conditions.error().key << ": " << conditions.error().text;
  return *conditions;
}
std::string mistake(const Route& route) {
  const auto conditions = Conditions::parse(route);
  return conditions ? "" : conditions.error().key + ": " + conditions.error().text;
}
Envelope from(std::string_view sender, std::string tenant = {}) {
  Envelope envelope;
  if (!sender.empty()) envelope.sender = smtp::ReversePath(*smtp::parse_address(sender));
  envelope.tenant = std::move(tenant);
  return envelope;
}
bool to(const Conditions& conditions, std::string_view recipient) { return conditions.match(*smtp::parse_address(recipient), {}); }

TEST(Glob, Table) {
  struct Case {
    std::string_view glob, text;
    bool matches;
  };
  for (const Case& c : {Case{"", "", true},
                        {"", "a", false},
                        {"*", "", true},
                        {"*", "abc", true},
                        {"a*", "ABC", true},
                        {"a*", "b", false},
                        {"*c", "abc", true},
                        {"*c", "abcd", false},
                        {"a*c*e", "abcde", true},
                        {"a*c*e", "abde", false},
                        {"news*", "News of today", true},
                        {"*a*b", "aab", true},
                        {"*ab", "aab", true},
                        {"a**b", "ab", true},
                        {"abc", "abcd", false},
                        {"abcd", "abc", false}}) {
    EXPECT_EQ(matches_glob(c.glob, c.text), c.matches) << c.glob << " " << c.text;
  }
}

TEST(Recipient, Patterns) {
  const Conditions one = made({"", {}, {"Anna@example.org"}});
  EXPECT_TRUE(to(one, "anna@example.org"));
  EXPECT_TRUE(to(one, "ANNA@Example.ORG"));
  EXPECT_FALSE(to(one, "anna+tag@example.org"));
  EXPECT_FALSE(to(one, "bert@example.org"));
  EXPECT_FALSE(to(one, "anna@sub.example.org"));
  const Conditions some = made({"", {}, {"news-*@*.example.org", "\"a b\"@example.org", "b@[192.0.2.1]"}});
  EXPECT_TRUE(to(some, "news-7@mail.example.org"));
  EXPECT_FALSE(to(some, "news-7@example.org"));
  EXPECT_TRUE(to(some, "\"A B\"@example.org"));
  EXPECT_TRUE(to(some, "b@[192.0.2.1]"));
}

TEST(Recipient, ThatIsNone_IsAnErrorWithItsMend) {
  EXPECT_THAT(mistake({"", {}, {"example.org"}}), HasSubstr("recipient: \"example.org\" is no address: write \"user@example.org\""));
  EXPECT_THAT(mistake({"", {}, {"a@example.org", "*@"}}), HasSubstr("has no domain behind the @"));
  EXPECT_THAT(mistake({"", {}, {"a b*@example.org"}}), HasSubstr("is no address"));
  EXPECT_THAT(mistake({"", {}, {""}}), HasSubstr("is no address"));
  EXPECT_THAT(mistake({"", {}, {"<>"}}), HasSubstr("is no address"));
}

TEST(Sender, PatternsAndTheNullSender) {
  const smtp::Address bob = *smtp::parse_address("bob@far.test");
  const Conditions news = made({"*", {}, {}, {"*@news.example.org", "boss@example.org"}});
  EXPECT_TRUE(news.match(bob, from("x@news.example.org")));
  EXPECT_TRUE(news.match(bob, from("Boss@example.org")));
  EXPECT_FALSE(news.match(bob, from("x@example.org")));
  EXPECT_FALSE(news.match(bob, from("")));
  const Conditions bounces = made({"*", {}, {}, {"<>"}});
  EXPECT_TRUE(bounces.match(bob, from("")));
  EXPECT_FALSE(bounces.match(bob, from("x@news.example.org")));
  const Conditions anybody = made({"*", {}, {}, {"*@*"}});
  EXPECT_TRUE(anybody.match(bob, from("x@y.test")));
  EXPECT_FALSE(anybody.match(bob, from(""))) << "who sends is nobody";
  EXPECT_THAT(mistake({"*", {}, {}, {"news.example.org"}}), HasSubstr("or \"<>\" for mail without a sender"));
}

TEST(Tenant, IsADomain) {
  const smtp::Address bob = *smtp::parse_address("bob@far.test");
  const Conditions one = made({"*", {}, {}, {}, {"example.org"}});
  EXPECT_TRUE(one.match(bob, from("", "example.org")));
  EXPECT_FALSE(one.match(bob, from("", "example.net")));
  EXPECT_FALSE(one.match(bob, from("x@example.org", ""))) << "a sender address makes no tenant";
  EXPECT_THAT(mistake({"*", {}, {}, {}, {"ex ample"}}), HasSubstr("tenant: this is no domain"));
}

TEST(Header, FieldsAreUnfoldedAndComparedWithoutCase) {
  const HeaderPattern pattern = *HeaderPattern::parse("X-Campaign: news*of \t*");
  EXPECT_FALSE(pattern.matches("X-Campaign: News, the best\r\n of spring\r\n"));
  const HeaderPattern news = *HeaderPattern::parse("X-Campaign: news*of*");
  EXPECT_TRUE(news.matches("Subject: x\r\nx-campaign:  News, the best\r\n of spring \r\nTo: y\r\n"));
  EXPECT_TRUE(news.matches("X-Campaign: other\r\nX-Campaign: news of\r\n"));
  EXPECT_TRUE(news.matches("X-Campaign: news of"));
  EXPECT_FALSE(news.matches("X-Campaigns: news of\r\n"));
  EXPECT_FALSE(news.matches("Subject: x\r\n X-Campaign: news of\r\n"));
  EXPECT_FALSE(news.matches("Subject: x\r\n\r\nX-Campaign: news of\r\n"));
  EXPECT_FALSE(news.matches(""));
  EXPECT_TRUE(HeaderPattern::parse("List-Id: *")->matches("list-id:\r\n"));
}

TEST(Header, ThatIsNone_IsAnErrorWithItsMend) {
  for (const std::string_view bad : {"X-Campaign", ": x", "X Y: z", "", "X-\xc3\xa4: y"}) EXPECT_FALSE(HeaderPattern::parse(bad)) << bad;
  EXPECT_THAT(HeaderPattern::parse("X-Campaign:").error().text, HasSubstr("write \"X-Campaign: *\" for a field that is there"));
}

TEST(Header, NotKnownYet_DoesNotMatch) {
  const Conditions conditions = made({"*", {}, {}, {}, {}, {"X-Campaign: *"}});
  Envelope envelope;
  EXPECT_FALSE(conditions.match_header(envelope));
  envelope.header = "X-Campaign: a\r\n";
  EXPECT_TRUE(conditions.match_header(envelope));
  envelope.header = "";
  EXPECT_FALSE(conditions.match_header(envelope));
}

TEST(Conditions, AllMustHold) {
  const Conditions both = made({"far.test", {}, {"bob@*"}, {"*@example.org"}, {"example.org"}});
  const auto held = [&](std::string_view recipient, std::string_view sender, std::string tenant) {
    return both.match(*smtp::parse_address(recipient), from(sender, std::move(tenant)));
  };
  EXPECT_TRUE(held("bob@far.test", "a@example.org", "example.org"));
  EXPECT_FALSE(held("bob@near.test", "a@example.org", "example.org"));
  EXPECT_FALSE(held("ann@far.test", "a@example.org", "example.org"));
  EXPECT_FALSE(held("bob@far.test", "a@example.net", "example.org"));
  EXPECT_FALSE(held("bob@far.test", "a@example.org", "example.net"));
}

TEST(Conditions, None_IsAnError) { EXPECT_THAT(mistake({}), HasSubstr("domain: is missing; write domain = \"example.net\"")); }

TEST(Conditions, LocalDomains_AreSparedWhereOnlyAStarSpeaksOfThem) {
  const auto spared = [](const Route& route) { return made(route).spare_local(*smtp::parse_address("anna@local.test")); };
  EXPECT_TRUE(spared({"*", {}}));
  EXPECT_TRUE(spared({"", {}, {}, {"*@news.test"}}));
  EXPECT_TRUE(spared({"", {}, {"anna@*"}}));
  EXPECT_TRUE(spared({"*", {}, {}, {}, {}, {"X-A: b"}}));
  EXPECT_FALSE(spared({"local.test", {}}));
  EXPECT_FALSE(spared({"*.test", {}, {}, {"*@news.test"}}));
  EXPECT_FALSE(spared({"", {}, {"anna@local.test"}}));
  EXPECT_FALSE(spared({"", {}, {"anna@*", "anna@local.test"}}));
  EXPECT_FALSE(spared({"*", {}, {"anna@local.test"}}));
}

TEST(RouteConditionsTest, HeaderOfManyRecipients_IsLookedAtOnce) {
  const Conditions campaign = made({"*", {}, {}, {}, {}, {"X-Campaign: *"}});
  const Conditions other = made({"*", {}, {}, {}, {}, {"X-Other: *"}});
  Envelope envelope;
  envelope.header = "Subject: x\r\nX-Campaign: spring\r\n";
  for (int recipient = 0; recipient < 1'000; ++recipient) {
    EXPECT_TRUE(campaign.match_header(envelope));
    EXPECT_FALSE(other.match_header(envelope));
  }
  EXPECT_EQ(envelope.header->looks(), 2u) << "one a route";
  envelope.header = "X-Other: y\r\n";
  EXPECT_FALSE(campaign.match_header(envelope)) << "another header, other answers";
  EXPECT_TRUE(other.match_header(envelope));
  EXPECT_FALSE(made({"*", {}, {}, {}, {}, {"X-Third: *"}}).match_header(envelope)) << "a reload asks anew";
  EXPECT_EQ(envelope.header->looks(), 3u);
}

TEST(Conditions, Covering) {
  const auto covers = [](const Route& earlier, const Route& later) { return made(earlier).cover(made(later)); };
  EXPECT_TRUE(covers({"*", {}}, {"", {}, {}, {"<>"}}));
  EXPECT_TRUE(covers({"*", {}}, {"", {}, {"a@b.test"}}));
  EXPECT_FALSE(covers({"", {}, {}, {"<>"}}, {"*", {}}));
  EXPECT_TRUE(covers({"b.test", {}}, {"", {}, {"a@b.test", "c@b.test"}}));
  EXPECT_FALSE(covers({"b.test", {}}, {"", {}, {"a@b.test", "c@d.test"}}));
  EXPECT_TRUE(covers({"", {}, {"*@b.test"}}, {"", {}, {"a@b.test"}}));
  EXPECT_FALSE(covers({"", {}, {"a*@b.test"}}, {"", {}, {"*a@b.test"}}));
  EXPECT_FALSE(covers({"", {}, {"a@b.test"}}, {"b.test", {}}));
  EXPECT_FALSE(covers({"*", {}, {}, {"*@a.test"}}, {"*", {}}));
  EXPECT_TRUE(covers({"*", {}, {}, {"*@a.test"}}, {"x.test", {}, {}, {"n@a.test"}, {}, {"X-Y: z"}}));
  EXPECT_FALSE(covers({"*", {}, {}, {"*@*"}}, {"*", {}, {}, {"<>"}}));
  EXPECT_TRUE(covers({"*", {}, {}, {}, {}, {"X-Y: a*"}}, {"*", {}, {}, {}, {}, {"x-y: ab*"}}));
  EXPECT_FALSE(covers({"*", {}, {}, {}, {}, {"X-Y: ab*"}}, {"*", {}, {}, {}, {}, {"X-Y: a*"}}));
  EXPECT_FALSE(covers({"*", {}, {}, {}, {"a.test"}}, {"*", {}, {}, {}, {"b.test"}}));
}

TEST(Conditions, Text_NamesTheRoute) {
  EXPECT_EQ(made({"*.example.net", {}}).text(), "*.example.net");
  EXPECT_EQ(made({"*", {}, {}, {"<>", "*@a.test"}, {}, {"X-A: b"}}).text(), "domain *, sender <> or *@a.test, header X-A: b");
  EXPECT_EQ(made({"", {}, {"a@b.test"}}).text(), "recipient a@b.test");
}

}  // namespace
}  // namespace godwit::routing
