#include "service/outbound/site_limits.h"

#include <gmock/gmock.h>

#include "base/toml_reader.h"

namespace godwit::outbound {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SiteLimits, Rates_AreRead) {
  EXPECT_EQ(*parse_rate("50/s"), (Rate{50, 1s}));
  EXPECT_EQ(*parse_rate("100/m"), (Rate{100, 1min}));
  EXPECT_EQ(*parse_rate("1000/h"), (Rate{1'000, 1h}));
  EXPECT_EQ(*parse_rate("20000/d"), (Rate{20'000, 24h}));
  EXPECT_EQ(parse_rate("20000/d")->text(), "20000/d");
  for (const auto wrong :
       {"", "50", "/s", "0/s", "-1/s", "50/x", "50/ss", "50 /s", "1e3/s", "99999999999999999999/s", "9999999999/s", "5/"})
    EXPECT_FALSE(parse_rate(wrong)) << wrong;
}

TEST(SiteLimits, Hosts_MatchExactlyBelowOrAll) {
  EXPECT_TRUE((SiteRule{"*", {}, {}, {}}.matches("anything")));
  EXPECT_TRUE((SiteRule{"mx.example.net", {}, {}, {}}.matches("MX.example.NET.")));
  EXPECT_FALSE((SiteRule{"mx.example.net", {}, {}, {}}.matches("a.mx.example.net")));
  EXPECT_TRUE((SiteRule{"*.google.com", {}, {}, {}}.matches("gmail-smtp-in.l.google.com")));
  EXPECT_FALSE((SiteRule{"*.google.com", {}, {}, {}}.matches("google.com")));
  EXPECT_FALSE((SiteRule{"*.google.com", {}, {}, {}}.matches("notgoogle.com")));
  EXPECT_FALSE((SiteRule{"*.google.com", {}, {}, {}}.matches("google.com.evil.test")));
  EXPECT_TRUE((SiteRule{"127.0.0.1", {}, {}, {}}.matches("127.0.0.1")));
}

TEST(SiteLimits, FirstThatSpeaksOfALimit_Counts) {
  const std::vector<SiteRule> rules{
      {"mx.example.net", 7, {}, {}}, {"*.example.net", 9, 20, std::vector<Rate>{{5, 1s}}}, {"*", {}, 30, std::vector<Rate>{}}};
  SiteLimits limits = limits_of("mx.example.net", rules, {});
  EXPECT_EQ(limits.connections, 7u);
  EXPECT_EQ(limits.messages_per_connection, 20u);
  EXPECT_THAT(limits.rates, ElementsAre(Rate{5, 1s}));
  limits = limits_of("other.test", rules, {});
  EXPECT_EQ(limits.connections, 4u);
  EXPECT_EQ(limits.messages_per_connection, 30u);
  EXPECT_THAT(limits.rates, IsEmpty());
}

TEST(SiteLimits, ShippedTable_KnowsTheLargeProviders) {
  const auto of = [](std::string_view host) { return limits_of(host, shipped_site_rules(), {}); };
  EXPECT_EQ(of("mta5.am0.yahoodns.net").messages_per_connection, 20u);
  EXPECT_EQ(of("gmail-smtp-in.l.google.com").connections, 10u);
  EXPECT_EQ(of("example-org.mail.protection.outlook.com").connections, 5u);
  EXPECT_EQ(of("smtp-in.orange.fr").connections, 3u);
  EXPECT_EQ(of("mx.example.net"), SiteLimits{});
}

SiteRule read(std::string_view text, std::vector<ConfigError>& errors) {
  SiteRule rule;
  TomlDocument document;
  document.load_text(text);
  document.read([&](TomlTable& root) { read_site_rule(root, rule); });
  errors = document.errors();
  return rule;
}

TEST(SiteLimits, Entry_IsRead) {
  std::vector<ConfigError> errors;
  SiteRule rule = read("match = \"*.google.com\"\nconnections = 20\nmessages_per_connection = 100\nrate = [\"50/s\", \"10000/h\"]", errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(rule.match, "*.google.com");
  EXPECT_EQ(rule.connections, 20u);
  EXPECT_EQ(rule.messages_per_connection, 100u);
  EXPECT_THAT(*rule.rates, ElementsAre(Rate{50, 1s}, Rate{10'000, 1h}));
  rule = read("match = \"*\"\nrate = []", errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_FALSE(rule.connections || rule.messages_per_connection);
  ASSERT_TRUE(rule.rates);
  EXPECT_THAT(*rule.rates, IsEmpty());
}

TEST(SiteLimits, Mistakes_AreNamed) {
  struct Case {
    std::string_view text, error;
  };
  for (const Case& c :
       {Case{"connections = 1", "is missing; write match"}, Case{"match = \"*google.com\"", "\"*google.com\" is not a host"},
        Case{"match = \"a b\"", "is not a host"}, Case{"match = \"*\"\nconnections = 0", "expected a whole number from 1 to 1000"},
        Case{"match = \"*\"\nmessages_per_connection = 0", "from 1 to 1000000"},
        Case{"match = \"*\"\nrate = \"fast\"", "\"fast\" is not a rate"},
        Case{"match = \"*\"\nrates = \"1/s\"", "did you mean \"rate\"?"}}) {
    SCOPED_TRACE(c.text);
    std::vector<ConfigError> errors;
    read(c.text, errors);
    ASSERT_FALSE(errors.empty());
    EXPECT_THAT(errors[0].problem, HasSubstr(c.error));
  }
}

}  // namespace
}  // namespace godwit::outbound
