#include "app/egress_config.h"

#include <gmock/gmock.h>

#include <fstream>

#include "app/config.h"
#include "app/egress.h"
#include "app/warmup_file.h"
#include "edge/net/loop.h"
#include "testing/manual_clock.h"

namespace godwit::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kHost = "hostname = \"mx.example.org\"\n";

LoadedConfig parse(std::string_view text) { return parse_config(std::string(kHost) + std::string(text), "g.toml"); }
std::string first_error(std::string_view text) {
  const LoadedConfig loaded = parse(text);
  return loaded.errors.empty() ? "" : describe("g.toml", loaded.errors.front());
}

constexpr std::string_view kGood = R"(
[[source]]
name = "a1"
address = ["192.0.2.10", "2001:db8::10"]
hostname = "a1.mail.example"
warmup = "2026-11-01"
[[source]]
name = "a2"
address = "127.0.0.9"
[[source]]
name = "socks"
via = "socks5://proxy.example.net:1080"
user = "godwit"
password_file = "/etc/godwit/proxy.password"
[[source]]
name = "told"
address = "192.0.2.11"
via = "proxy://[::1]:9000"
[[pool]]
name = "main"
sources = ["a1", "a2"]
[[pool]]
name = "bulk"
sources = "socks"
[[pool.source]]
name = "told"
weight = 3
[outbound]
pool = "main"
[[route]]
tenant = "news.example"
to = "mx"
pool = "bulk"
)";

TEST(EgressConfig, EverythingThatCanBeSaid) {
  const LoadedConfig loaded = parse(kGood);
  ASSERT_THAT(loaded.errors, IsEmpty()) << describe("g.toml", loaded.errors.front());
  const EgressConfig& egress = loaded.config.egress;
  ASSERT_EQ(egress.sources.size(), 4u);
  EXPECT_EQ(egress.sources[0].v4->text(), "192.0.2.10");
  EXPECT_EQ(egress.sources[0].v6->text(), "2001:db8::10");
  EXPECT_EQ(egress.sources[0].hostname, "a1.mail.example");
  using namespace std::chrono;
  EXPECT_EQ(*egress.sources[0].warmup, sys_days(2026y / November / 1));
  EXPECT_FALSE(egress.sources[1].warmup);
  EXPECT_EQ(egress.sources[2].via, SourceConfig::Via::socks5);
  EXPECT_EQ(egress.sources[2].proxy_host, "proxy.example.net");
  EXPECT_EQ(egress.sources[2].proxy_port, 1080);
  EXPECT_EQ(egress.sources[3].proxy_host, "::1");
  EXPECT_THAT(egress.pools.at(1).members,
              ElementsAre(std::pair<std::string, unsigned>("socks", 1), std::pair<std::string, unsigned>("told", 3)));
  EXPECT_EQ(loaded.config.routes[0].pool, "bulk");
  EXPECT_TRUE(any_warms_up(egress));

  testing::ManualClock clock;
  const auto dialer = net::make_tcp_dialer();
  const auto made = make_egress(loaded.config, *dialer, clock);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->for_mx, "main");
  EXPECT_FALSE(made->find("a2")->v6);
  EXPECT_TRUE(made->find("socks")->v4 && made->find("socks")->v6);
  EXPECT_EQ(made->pools.at("bulk").members[1].weight, 3u);
  EXPECT_FALSE(make_egress(parse("").config, *dialer, clock));
}

TEST(EgressConfig, Mistakes_AreNamedWithTheirLineAndTheMend) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"[[source]]\naddress = \"192.0.2.1\"", "g.toml:2:1: source[1].name: is missing; give the source a name"},
      {"[[source]]\nname = \"a b\"", "is no name: letters"},
      {"[[source]]\nname = \"a\"\n[[source]]\nname = \"a\"", "g.toml:5:8: source[2].name: there is a source \"a\" already"},
      {"[[source]]\nname = \"a\"\naddress = \"192.0.2\"", "\"192.0.2\" is not an IP address"},
      {"[[source]]\nname = \"a\"\naddress = \"0.0.0.0\"", "is every address: leave `address` out"},
      {"[[source]]\nname = \"a\"\naddress = [\"192.0.2.1\", \"192.0.2.2\"]",
       "192.0.2.2 is the second one of its family; make a source of each"},
      {"[[source]]\nname = \"a\"\nhostname = \"-\"", "\"-\" is not a host name"},
      {"[[source]]\nname = \"a\"\nvia = \"http://x:1\"", "\"http://x:1\" is no proxy; write \"socks5://host:port\""},
      {"[[source]]\nname = \"a\"\nvia = \"socks5://x\"", "names no host and port"},
      {"[[source]]\nname = \"a\"\nvia = \"socks5://::1:1080\"", "names no host and port"},
      {"[[source]]\nname = \"a\"\nvia = \"socks5://x:99999\"", "names no host and port"},
      {"[[source]]\nname = \"a\"\nvia = \"socks5://x:1\"\naddress = \"192.0.2.1\"", "is the SOCKS proxy's to choose"},
      {"[[source]]\nname = \"a\"\nvia = \"proxy://x:1\"", "needs an address"},
      {"[[source]]\nname = \"a\"\nvia = \"socks5://x:1\"\nuser = \"u\"", "user and password_file go together"},
      {"[[source]]\nname = \"a\"\nuser = \"u\"\npassword_file = \"/x\"", "is for a SOCKS proxy"},
      {"[[source]]\nname = \"a\"\nwarmup = \"2026-02-30\"", "\"2026-02-30\" is no day"},
      {"[[source]]\nname = \"a\"\nwarmup = \"soon\"", "is no day; write the first one"},
      {"[[pool]]\nname = \"p\"", "g.toml:2:1: pool[1].sources: is missing"},
      {"[[pool]]\nname = \"p\"\nsources = [\"x\"]", "there is no source \"x\"; write [[source]] with name = \"x\""},
      {"[[source]]\nname = \"a\"\n[[pool]]\nname = \"p\"\nsources = [\"a\", \"a\"]", "stands there twice"},
      {"[[source]]\nname = \"a\"\n[[pool]]\nname = \"p\"\n[[pool.source]]\nname = \"a\"\nweight = 0", "weight"},
      {"[outbound]\npool = \"p\"", "g.toml:3:8: outbound.pool: there is no pool \"p\"; write [[pool]] with name = \"p\""},
      {"[[route]]\ndomain = \"x.test\"\nto = \"mx\"\npool = \"p\"", "g.toml:5:8: route[1].pool: there is no pool \"p\""},
      {"[outbound]\nwarmup = \"/nowhere/x.toml\"", "cannot read /nowhere/x.toml"},
  };
  for (const Case& each : cases) EXPECT_THAT(first_error(each.text), HasSubstr(each.error)) << each.text;
  EXPECT_THAT(
      first_error(
          "[[source]]\nname = \"a\"\n[[pool]]\nname = \"p\"\nsources = \"a\"\n[[route]]\ndomain = \"x.test\"\nto = \"hold\"\npool = \"p\""),
      HasSubstr("is for hops and for \"mx\"; nothing is sent where `to` is \"hold\""));
}

TEST(EgressConfig, Surroundings_AddressesThatAreNotOursAndPasswordsThatCannotBeRead) {
  const EgressFindings found = look_at_egress(parse(kGood).config);
  EXPECT_THAT(found.problems, ElementsAre(HasSubstr("source socks: password_file /etc/godwit/proxy.password cannot be read")));
  ASSERT_EQ(found.warnings.size(), 2u) << "a1's two; a2 is here, and the proxies' are theirs";
  EXPECT_THAT(found.warnings[0], HasSubstr("source a1: 192.0.2.10 is not an address of this machine"));
}

TEST(WarmupFile, IsKeptWhole_AndMendsItselfWhenItIsNone) {
  const std::string path = ::testing::TempDir() + "warmup_file_test";
  const auto ledger = std::make_shared<outbound::WarmupLedger>();
  ledger->take("a", {"mx.test", 10}, std::chrono::sys_days(std::chrono::days(20'000)))->keep();
  ASSERT_TRUE(save_warmup(path, *ledger));
  const auto again = std::make_shared<outbound::WarmupLedger>();
  load_warmup(path, *again);
  EXPECT_EQ(again->sent("a", "mx.test"), 1u);
  std::ofstream(path) << "rubbish";
  const auto third = std::make_shared<outbound::WarmupLedger>();
  load_warmup(path, *third);
  EXPECT_EQ(third->sent("a", "mx.test"), 0u);
  EXPECT_FALSE(save_warmup("/nowhere/warmup", *ledger));
}

}  // namespace
}  // namespace godwit::app
