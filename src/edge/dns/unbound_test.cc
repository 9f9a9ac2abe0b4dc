// libunbound against a name server on loopback; time-outs on a manual clock.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>

#include "edge/dns/cached_resolver.h"
#include "edge/dns/loopback_dns_fixture.h"
#include "edge/dns/unbound_resolver.h"
#include "edge/net/loop.h"
#include "testing/test_loop.h"

namespace godwit::dns {
namespace {

using std::chrono::seconds;
using testing::TestLoop;

std::string file_with(const std::string& name, const std::string& content) {
  const std::string path = ::testing::TempDir() + "godwit_dns_" + std::to_string(::getpid()) + "_" + name;
  std::ofstream(path) << content;
  return path;
}

struct UnboundTest : ::testing::Test {
  void use(const std::string& trust_anchor) {
    ResolverOptions options;
    options.servers = {server.address()};
    options.trust_anchor = trust_anchor;
    auto made = make_unbound_resolver(loop.executor(), loop.clock(), options);
    ASSERT_TRUE(made) << made.error().text;
    resolver = *std::move(made);
  }
  void SetUp() override { use(""); }

  static Task<> ask(Resolver& with, std::string name, Duration timeout, std::optional<Answer<IpAddress>>& into) {
    into = co_await with.a(std::move(name), timeout);
  }

  LoopbackDns server;
  TestLoop loop;
  std::unique_ptr<Resolver> resolver;
};

TEST_F(UnboundTest, EachType_ComesBackTyped) {
  server.add("example.test", Type::mx, rdata_mx(20, "MX2.example.test"));
  server.add("example.test", Type::mx, rdata_mx(10, "mx1.example.test"));
  server.add("example.test", Type::txt, rdata_txt("v=spf1 -all"));
  server.add("mx1.example.test", Type::a, rdata_a("192.0.2.1"));
  server.add("mx1.example.test", Type::aaaa, rdata_a("2001:db8::1"));
  server.add("_25._tcp.mx1.example.test", Type::tlsa, "\3\1\1hash");
  auto mx = loop.run(resolver->mx("Example.TEST."));
  EXPECT_EQ(mx.status, Status::records);
  EXPECT_EQ(mx.security, Security::insecure);
  EXPECT_EQ(mx.canonical, "example.test");
  EXPECT_GT(mx.ttl, seconds(290));
  EXPECT_LE(mx.ttl, seconds(300));
  std::sort(mx.records.begin(), mx.records.end());
  EXPECT_EQ(mx.records, (std::vector<Mx>{{10, "mx1.example.test"}, {20, "mx2.example.test"}}));
  EXPECT_EQ(loop.run(resolver->txt("example.test")).records.at(0), "v=spf1 -all");
  EXPECT_EQ(loop.run(resolver->a("mx1.example.test")).records.at(0).text(), "192.0.2.1");
  EXPECT_EQ(loop.run(resolver->aaaa("mx1.example.test")).records.at(0).text(), "2001:db8::1");
  EXPECT_EQ(loop.run(resolver->tlsa("_25._tcp.mx1.example.test")).records.at(0), (Tlsa{3, 1, 1, "hash"}));
}

TEST_F(UnboundTest, SecondLookup_IsOursAlone) {
  server.add("example.test", Type::a, rdata_a("192.0.2.1"));
  loop.run(resolver->a("example.test"));
  std::optional<Answer<IpAddress>> again;
  loop.start(ask(*resolver, "example.test", seconds(5), again));
  loop.poll();
  EXPECT_EQ(again.value().records.at(0).text(), "192.0.2.1");
  EXPECT_EQ(server.asked("example.test"), 1u);
}

TEST_F(UnboundTest, ReverseNames_OfPrivateNetworks_AreAskedFor) {
  for (const char* text : {"127.0.0.5", "10.1.2.3", "192.168.1.1", "::1", "fd00::1", "192.0.2.9"}) {
    SCOPED_TRACE(text);
    const IpAddress address = *parse_ip(text);
    server.add(reverse_name(address), Type::ptr, rdata_name("Host.test"));
    const auto answer = loop.run(resolver->ptr(address));
    ASSERT_EQ(answer.records.size(), 1u) << answer.reason;
    EXPECT_EQ(answer.records[0], "host.test");
  }
}

TEST_F(UnboundTest, Absence_TellsNoDataFromNxdomain) {
  server.add("example.test", Type::a, rdata_a("192.0.2.1"));
  const auto no_data = loop.run(resolver->mx("example.test"));
  EXPECT_EQ(no_data.status, Status::no_data);
  EXPECT_GT(no_data.ttl, seconds(20));
  EXPECT_LE(no_data.ttl, seconds(30));
  const auto nxdomain = loop.run(resolver->mx("none.test"));
  EXPECT_EQ(nxdomain.status, Status::nxdomain);
  EXPECT_TRUE(nxdomain.records.empty());
  EXPECT_FALSE(nxdomain.failed());
}

TEST_F(UnboundTest, CnameChain_GivesTheCanonicalName) {
  server.add("www.test", Type::cname, rdata_name("Alias.test"), 20);
  server.add("alias.test", Type::cname, rdata_name("host.test"));
  server.add("host.test", Type::a, rdata_a("192.0.2.1"));
  const auto answer = loop.run(resolver->a("www.test"));
  EXPECT_EQ(answer.canonical, "host.test");
  EXPECT_EQ(answer.records.at(0).text(), "192.0.2.1");
  EXPECT_LE(answer.ttl, seconds(20));
  EXPECT_EQ(loop.run(resolver->cname("www.test")).records.at(0), "alias.test");
  EXPECT_EQ(loop.run(resolver->mx("www.test")).status, Status::no_data);
  server.add("dangling.test", Type::cname, rdata_name("gone.test"));
  EXPECT_EQ(loop.run(resolver->a("dangling.test")).status, Status::nxdomain);
}

TEST_F(UnboundTest, NamesWithOddBytes_AreAskedAsTheyAre) {
  server.add("odd\\.label\\032x.test", Type::a, rdata_a("192.0.2.1"));
  const auto answer = loop.run(resolver->a("Odd\\.label\\032x.test"));
  EXPECT_EQ(answer.status, Status::records) << answer.reason;
}

TEST_F(UnboundTest, ServfailAndRefused_FailWithAReason) {
  server.set_manner("servfail.test", Manner::servfail);
  server.set_manner("refused.test", Manner::refused);
  for (const char* name : {"servfail.test", "refused.test"}) {
    SCOPED_TRACE(name);
    const auto answer = loop.run(resolver->mx(name));
    EXPECT_TRUE(answer.failed());
    EXPECT_EQ(answer.cause, Error::Cause::io);
    EXPECT_EQ(answer.security, Security::insecure);
    EXPECT_NE(answer.reason.find(name), std::string::npos) << answer.reason;
  }
}

TEST_F(UnboundTest, LyingAnswers_AreIgnored) {
  const std::pair<const char*, Manner> cases[] = {
      {"id.test", Manner::wrong_id_first}, {"question.test", Manner::wrong_question_first}, {"garbage.test", Manner::garbage_first}};
  for (const auto& [name, manner] : cases) {
    SCOPED_TRACE(name);
    server.add(name, Type::a, rdata_a("192.0.2.1"));
    server.set_manner(name, manner);
    const auto answer = loop.run(resolver->a(name));
    ASSERT_EQ(answer.records.size(), 1u) << answer.reason;
    EXPECT_EQ(answer.records[0].text(), "192.0.2.1");
  }
}

TEST_F(UnboundTest, HugeTxt_ComesOverTcp) {
  std::string text;
  for (int i = 0; text.size() < 60'000; ++i) text += std::to_string(i) + ",";
  server.add("huge.test", Type::txt, rdata_txt(text));
  const auto answer = loop.run(resolver->txt("huge.test"));
  ASSERT_EQ(answer.records.size(), 1u) << answer.reason;
  EXPECT_TRUE(answer.records[0] == text);
  EXPECT_GE(server.asked_by_tcp(), 1u);
}

TEST_F(UnboundTest, ManyMx_ComeBackWhole) {
  for (int i = 0; i < 200; ++i)
    server.add("many.test", Type::mx, rdata_mx(static_cast<std::uint16_t>(i), "mx" + std::to_string(i) + ".test"));
  EXPECT_EQ(loop.run(resolver->mx("many.test")).records.size(), 200u);
}

TEST_F(UnboundTest, SilentServer_CostsTheAskersTimeout) {
  server.set_manner("silent.test", Manner::silent);
  std::optional<Answer<IpAddress>> answer;
  loop.start(ask(*resolver, "silent.test", kLookupTimeout, answer));
  loop.run_until([&] { return server.asked("silent.test") > 0; });
  loop.advance(kLookupTimeout - Duration(1));
  EXPECT_FALSE(answer);
  loop.advance(Duration(1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->cause, Error::Cause::timed_out);
  EXPECT_EQ(answer->reason, "no answer from the DNS about A silent.test within 5 s");
  server.add("other.test", Type::a, rdata_a("192.0.2.1"));
  EXPECT_EQ(loop.run(resolver->a("other.test")).status, Status::records);
}

// The one wait for real time here: libunbound asks a second time after 0.4 s or so.
TEST_F(UnboundTest, LostLookup_IsCancelled_AndItsSuccessorAnswered) {
  server.set_manner("lost.test", Manner::silent);
  server.add("lost.test", Type::a, rdata_a("192.0.2.1"));
  std::optional<Answer<IpAddress>> first;
  loop.start(ask(*resolver, "lost.test", kLookupTimeout, first));
  loop.run_until([&] { return server.asked("lost.test") > 0; });
  loop.advance(kLostAfter + Duration(1));
  EXPECT_EQ(first.value().cause, Error::Cause::timed_out);
  server.set_manner("lost.test", Manner::honest);
  const auto second = loop.run(resolver->a("lost.test"));
  EXPECT_EQ(second.status, Status::records) << second.reason;
}

TEST_F(UnboundTest, DestroyedWithLookupsInFlight_AskersAreCancelled_AtOnce) {
  server.set_manner("silent.test", Manner::silent);
  std::vector<std::optional<Answer<IpAddress>>> answers(50);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    server.set_manner(std::to_string(i) + ".test", Manner::silent);
    loop.start(ask(*resolver, std::to_string(i) + ".test", kLookupTimeout, answers[i]));
  }
  loop.run_until([&] { return server.asked("0.test") > 0; });
  const auto before = std::chrono::steady_clock::now();
  resolver.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
  loop.poll();
  for (const auto& answer : answers) EXPECT_EQ(answer.value().cause, Error::Cause::cancelled);
}

TEST_F(UnboundTest, SignedZone_IsSecure_TamperedIsBogus_OthersInsecure) {
  const ZoneKey key("signed.test");
  server.sign(key);
  server.add("good.signed.test", Type::a, rdata_a("192.0.2.1"));
  server.add("bad.signed.test", Type::a, rdata_a("192.0.2.1"));
  server.set_manner("bad.signed.test", Manner::tampered);
  server.add("plain.test", Type::a, rdata_a("192.0.2.1"));
  server.add("alias.signed.test", Type::cname, rdata_name("plain.test"));
  use(file_with("anchor", key.anchor()));
  const auto good = loop.run(resolver->a("good.signed.test"));
  EXPECT_EQ(good.status, Status::records) << good.reason;
  EXPECT_EQ(good.security, Security::secure);
  const auto bad = loop.run(resolver->a("bad.signed.test"));
  EXPECT_TRUE(bad.failed());
  EXPECT_EQ(bad.security, Security::bogus);
  EXPECT_EQ(bad.cause, Error::Cause::corrupt);
  EXPECT_TRUE(bad.records.empty());
  EXPECT_NE(bad.reason.find("DNSSEC validation failed: "), std::string::npos);
  EXPECT_NE(bad.reason.find("signature"), std::string::npos) << bad.reason;
  EXPECT_EQ(loop.run(resolver->a("plain.test")).security, Security::insecure);
  EXPECT_EQ(loop.run(resolver->a("alias.signed.test")).security, Security::insecure);
}

TEST_F(UnboundTest, UnsignedAnswersUnderAnAnchor_AreBogus) {
  server.add("host.signed.test", Type::a, rdata_a("192.0.2.1"));
  use(file_with("anchor", ZoneKey("signed.test").anchor()));
  const auto answer = loop.run(resolver->a("host.signed.test"));
  EXPECT_EQ(answer.security, Security::bogus);
  EXPECT_TRUE(answer.failed());
  EXPECT_NE(answer.reason.find("DNSKEY"), std::string::npos) << answer.reason;
}

TEST_F(UnboundTest, RootAnchorOverAPrivateForwarder_SaysWhatToDo) {
  server.add("host.test", Type::a, rdata_a("192.0.2.1"));
  use(file_with("root", ZoneKey("").anchor()));
  const auto answer = loop.run(resolver->a("host.test"));
  EXPECT_EQ(answer.security, Security::bogus);
  EXPECT_NE(answer.reason.find("dns.trust_anchor"), std::string::npos) << answer.reason;
}

TEST_F(UnboundTest, UnusableAnchor_IsNoValidation) {
  server.add("host.test", Type::a, rdata_a("192.0.2.1"));
  for (const std::string& anchor :
       {std::string("/nonexistent/root.key"), ::testing::TempDir(), file_with("empty", ""), file_with("bad", "this is no key\n")}) {
    SCOPED_TRACE(anchor);
    use(anchor);
    const auto answer = loop.run(resolver->a("host.test"));
    EXPECT_EQ(answer.status, Status::records) << answer.reason;
    EXPECT_EQ(answer.security, Security::insecure);
  }
}

TEST(UnboundOptions, Servers_Table) {
  EXPECT_EQ(forward_addresses({"192.0.2.53", "127.0.0.1:5353", "[2001:db8::53]:54", "::1"}).value(),
            (std::vector<std::string>{"192.0.2.53@53", "127.0.0.1@5353", "2001:db8::53@54", "::1@53"}));
  for (const char* bad : {"dns.example", "", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:99999", "system"}) {
    SCOPED_TRACE(bad);
    const auto addresses = forward_addresses({bad});
    ASSERT_FALSE(addresses);
    EXPECT_NE(addresses.error().text.find(bad), std::string::npos);
  }
}

TEST(UnboundOptions, Make_EachKindOfServers) {
  TestLoop loop;
  ResolverOptions options;
  EXPECT_TRUE(make_unbound_resolver(loop.executor(), loop.clock(), options)) << "from the root";
  options.servers = {"system"};
  options.resolv_conf = file_with("resolv.conf", "nameserver 127.0.0.1\n");
  EXPECT_TRUE(make_unbound_resolver(loop.executor(), loop.clock(), options));
  options.resolv_conf = "/nonexistent/resolv.conf";
  const auto unreadable = make_unbound_resolver(loop.executor(), loop.clock(), options);
  ASSERT_FALSE(unreadable);
  EXPECT_NE(unreadable.error().text.find("/nonexistent/resolv.conf"), std::string::npos);
  options.servers = {"192.0.2.1", "system"};
  EXPECT_FALSE(make_unbound_resolver(loop.executor(), loop.clock(), options));
}

// Real loops, askers on both, and each order in which things may end.
struct UnboundLoops : ::testing::Test {
  void start() {
    ResolverOptions options;
    options.servers = {server.address()};
    options.trust_anchor = "";
    auto made = make_unbound_resolver(pool->executor(0), *clock, options);
    ASSERT_TRUE(made);
    resolver = *std::move(made);
    pool->run();
  }
  static Task<> ask(Resolver& with, std::string name, std::atomic<int>& good, std::latch& ended) {
    const auto answer = co_await with.a(std::move(name));
    if (answer.status == Status::records) ++good;
    ended.count_down();
  }
  static Task<> wait_forever(Resolver& with, std::string name) { co_await with.a(std::move(name), std::chrono::hours(1)); }

  void ask_silence() {
    for (int i = 0; i < 20; ++i) {
      server.set_manner(std::to_string(i) + ".test", Manner::silent);
      net::spawn(pool->executor(static_cast<std::size_t>(i) % 2), group, "ask", wait_forever(*resolver, std::to_string(i) + ".test"));
    }
    while (server.asked("0.test") == 0) std::this_thread::yield();
  }

  LoopbackDns server;
  std::unique_ptr<Clock> clock = make_system_clock();
  net::TaskGroup group;
  std::unique_ptr<net::LoopPool> pool = std::make_unique<net::LoopPool>(2);
  std::unique_ptr<Resolver> resolver;
};

TEST_F(UnboundLoops, AskersOnEachLoop_AllGetTheirAnswers) {
  start();
  constexpr int kAskers = 400;
  for (int i = 0; i < 40; ++i) server.add(std::to_string(i) + ".test", Type::a, rdata_a("192.0.2.1"));
  std::atomic<int> good{0};
  std::latch ended(kAskers);
  for (int i = 0; i < kAskers; ++i)
    net::spawn(pool->executor(static_cast<std::size_t>(i) % 2), group, "ask",
               ask(*resolver, std::to_string(i % 40) + ".test", good, ended));
  ended.wait();
  EXPECT_EQ(good, kAskers);
  EXPECT_EQ(server.asked("7.test"), 1u);
  pool->stop();
}

TEST_F(UnboundLoops, InFlight_ResolverGoesFirst) {
  start();
  ask_silence();
  pool->stop();
  resolver.reset();
  pool.reset();
}

TEST_F(UnboundLoops, InFlight_LoopsGoFirst) {
  start();
  ask_silence();
  pool->stop();
  pool.reset();
  resolver.reset();
}

TEST_F(UnboundLoops, Stop_AskersEndOnEachLoop) {
  start();
  ask_silence();
  resolver->stop();
  while (group.running() > 0) std::this_thread::yield();
  pool->stop();
}

}  // namespace
}  // namespace godwit::dns
