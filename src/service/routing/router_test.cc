#include "service/routing/router.h"

#include <gmock/gmock.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::routing {
namespace {

using ::testing::HasSubstr;

class RouterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(loop_.run(directory_.add_domain(*smtp::parse_domain("local.test"))));
    ASSERT_TRUE(loop_.run(directory_.add_account(*smtp::parse_address("anna@local.test"), "secret-password")));
    ASSERT_TRUE(loop_.run(directory_.add_alias(*smtp::parse_address("team@local.test"), targets())));
  }

  static std::vector<smtp::Address> targets() { return {*smtp::parse_address("anna@local.test"), *smtp::parse_address("x@else.test")}; }

  std::shared_ptr<const Router> make(std::vector<Route> routes) {
    auto router = Router::create(std::move(routes), directory_);
    EXPECT_TRUE(router) << router.error().text;
    return *router;
  }

  // "local anna@local.test", "site <name>", "hold", "alias 2", "550 5.1.1 ..."
  std::string route(const Router& router, std::string_view address, const Envelope& envelope = {}) {
    const auto result = loop_.run(router.route(*smtp::parse_address(address), envelope));
    if (!result) return "error " + result.error().text;
    if (const auto* local = std::get_if<ToLocal>(&*result)) return "local " + local->account.address.text();
    if (const auto* site = std::get_if<ToSite>(&*result)) return "site " + site->site->name;
    if (const auto* mx = std::get_if<ToMx>(&*result))
      return "mx " + mx->domain.text() + (mx->tls ? " " + std::string(to_string(*mx->tls)) : "");
    if (std::holds_alternative<ToHold>(*result)) return "hold";
    if (const auto* discard = std::get_if<ToDiscard>(&*result)) return "discard: " + discard->why;
    if (const auto* alias = std::get_if<ToAlias>(&*result)) return "alias " + std::to_string(alias->targets.size());
    return std::get<Refused>(*result).reply.one_line();
  }

  bool from_anyone(const Router& router, std::string_view domain) {
    const auto result = loop_.run(router.accepts_from_anyone(*smtp::parse_domain(domain)));
    return result && *result;
  }

  std::string error_of(std::vector<Route> routes) {
    const auto router = Router::create(std::move(routes), directory_);
    return router ? "" : router.error().text;
  }

  testing::TestLoop loop_;
  BlockingPool pool_{0};
  testing::SeededRandom random_{1};
  testing::MemoryEngine engine_;
  directory::Directory directory_{engine_, pool_, loop_.clock(), random_};
};

TEST_F(RouterTest, NoRoutes_LocalDomainsAloneAreServed) {
  const auto router = make({});
  EXPECT_EQ(route(*router, "anna@local.test"), "local anna@local.test");
  EXPECT_EQ(route(*router, "team@local.test"), "alias 2");
  EXPECT_EQ(route(*router, "nobody@local.test"), "550 5.1.1 No such user here");
  EXPECT_EQ(route(*router, "a@elsewhere.test"), "mx elsewhere.test");
}

TEST_F(RouterTest, RouteMx_GoesByTheDnsWhateverElseIsRouted) {
  const auto router = make({{"far.test", {"mx"}}, {"local.test", {"mx"}}, {"*", {"smtp://smarthost.example.org"}}});
  EXPECT_EQ(route(*router, "a@far.test"), "mx far.test");
  EXPECT_EQ(route(*router, "anna@local.test"), "mx local.test");
  EXPECT_EQ(route(*router, "a@other.test"), "site smtp://smarthost.example.org:25");
  EXPECT_THAT(error_of({{"a.test", {"mx", "smtp://h"}}}), HasSubstr("stands alone"));
}

TEST_F(RouterTest, AddressLiterals_ByPolicyAlone) {
  EXPECT_EQ(route(*make({}), "a@[192.0.2.1]"), "550 5.1.2 Mail to an address in brackets is not sent from here; write to a domain");
  const auto routed = make({{"[192.0.2.1]", {"mx"}}, {"[192.0.2.2]", {"smtp://192.0.2.2"}}});
  EXPECT_EQ(route(*routed, "a@[192.0.2.1]"), "mx [192.0.2.1]") << "a route that names it is the operator's word";
  EXPECT_EQ(route(*routed, "a@[192.0.2.2]"), "site smtp://192.0.2.2:25");
  const auto router = Router::create({}, directory_, {.address_literals = true});
  ASSERT_TRUE(router);
  EXPECT_EQ(route(**router, "a@[192.0.2.1]"), "mx [192.0.2.1]");
  EXPECT_EQ(route(**router, "a@[IPv6:2001:db8::1]"), "mx [IPv6:2001:db8::1]");
  EXPECT_FALSE(from_anyone(**router, "[192.0.2.1]"));
}

TEST_F(RouterTest, Routes_FirstMatchWins) {
  const auto router = make({{"a.example.net", {"smtp://192.0.2.1:2525", "smtp://backup.example.net"}},
                            {"*.example.net", {"hold"}},
                            {"example.net", {"reject"}},
                            {"*", {"smtp://smarthost.example.org:26"}}});
  EXPECT_EQ(route(*router, "x@A.Example.Net"), "site smtp://192.0.2.1:2525,smtp://backup.example.net:25");
  EXPECT_EQ(route(*router, "x@b.example.net"), "hold");
  EXPECT_EQ(route(*router, "x@c.a.example.net"), "hold");
  EXPECT_EQ(route(*router, "x@example.net"), "550 5.7.1 Mail to this address is not taken here");
  EXPECT_EQ(route(*router, "x@notexample.net"), "site smtp://smarthost.example.org:26");
  EXPECT_EQ(route(*router, "x@[192.0.2.9]"), "site smtp://smarthost.example.org:26");
}

TEST_F(RouterTest, Star_LeavesLocalDomainsAlone) {
  const auto router = make({{"*", {"hold"}}});
  EXPECT_EQ(route(*router, "anna@local.test"), "local anna@local.test");
  EXPECT_EQ(route(*router, "nobody@local.test"), "550 5.1.1 No such user here");
  EXPECT_EQ(route(*router, "x@example.net"), "hold");
}

TEST_F(RouterTest, RouteThatNamesALocalDomain_WinsOverIt) {
  const auto router = make({{"local.test", {"smtp://127.0.0.1:2600"}}});
  EXPECT_EQ(route(*router, "anna@local.test"), "site smtp://127.0.0.1:2600");
  EXPECT_TRUE(from_anyone(*router, "local.test"));
}

TEST_F(RouterTest, RouteLocal_ResolvesInTheDirectory) {
  const auto router = make({{"local.test", {"local"}}, {"other.test", {"local"}}, {"*", {"reject"}}});
  EXPECT_EQ(route(*router, "anna@local.test"), "local anna@local.test");
  EXPECT_EQ(route(*router, "anna@other.test"), "550 5.4.4 The route says \"local\", but this domain is not local here");
  EXPECT_FALSE(from_anyone(*router, "other.test"));
}

TEST_F(RouterTest, InternationalDomain_MatchesAsALabel) {
  const auto router =
      make({{"b\xc3\xbc"
             "cher.example",
             {"smtp://192.0.2.1"}}});
  EXPECT_EQ(route(*router, "x@xn--bcher-kva.example"), "site smtp://192.0.2.1:25");
  EXPECT_EQ(route(*router,
                  "x@B\xc3\x9c"
                  "CHER.example"),
            "site smtp://192.0.2.1:25");
}

TEST_F(RouterTest, AcceptsFromAnyone_IsNeverAnOpenRelay) {
  const auto router = make({{"routed.test", {"smtp://127.0.0.1:2600"}}, {"held.test", {"hold"}}, {"*", {"smtp://127.0.0.1:2601"}}});
  EXPECT_TRUE(from_anyone(*router, "local.test"));
  EXPECT_FALSE(from_anyone(*router, "routed.test"));
  EXPECT_FALSE(from_anyone(*router, "held.test"));
  EXPECT_FALSE(from_anyone(*router, "elsewhere.test"));
  EXPECT_FALSE(from_anyone(*router, "sub.local.test"));
  EXPECT_FALSE(from_anyone(*router, "[127.0.0.1]"));
}

// A stranger who claims a sender, a header or a recipient that a route knows gets no further for it.
TEST_F(RouterTest, AcceptsFromAnyone_NoConditionOpensARelay) {
  const std::vector<std::string> relay{"smtp://127.0.0.1:2600"};
  const auto router = make({{"", relay, {"bob@far.test"}},
                            {"", relay, {}, {"*@local.test"}},
                            {"", relay, {}, {"<>"}},
                            {"", relay, {}, {}, {"local.test"}},
                            {"", relay, {}, {}, {}, {"X-Let-Me: in"}},
                            {"*", {"discard"}}});
  EXPECT_TRUE(from_anyone(*router, "local.test"));
  EXPECT_FALSE(from_anyone(*router, "far.test"));
  EXPECT_FALSE(from_anyone(*router, "elsewhere.test"));
}

TEST_F(RouterTest, Conditions_FirstRouteOfWhichAllHoldWins) {
  const auto router = make({{"", {"smtp://for-bob"}, {"bob@far.test"}},
                            {"far.test", {"smtp://for-news"}, {}, {"*@news.test"}},
                            {"far.test", {"hold"}, {}, {"<>"}},
                            {"", {"smtp://of-tenant"}, {}, {}, {"local.test"}},
                            {"far.test", {"smtp://far"}}});
  Envelope news{smtp::ReversePath(*smtp::parse_address("x@news.test")), "news.test", {}};
  Envelope bounce;
  Envelope ours{smtp::ReversePath(*smtp::parse_address("anna@local.test")), "local.test", {}};
  EXPECT_EQ(route(*router, "bob@far.test", news), "site smtp://for-bob:25");
  EXPECT_EQ(route(*router, "ann@far.test", news), "site smtp://for-news:25");
  EXPECT_EQ(route(*router, "ann@far.test", bounce), "hold");
  EXPECT_EQ(route(*router, "ann@far.test", ours), "site smtp://of-tenant:25");
  EXPECT_EQ(route(*router, "ann@else.test", ours), "site smtp://of-tenant:25");
  EXPECT_EQ(route(*router, "ann@else.test", news), "mx else.test");
  EXPECT_EQ(route(*router, "anna@local.test", ours), "local anna@local.test") << "no domain is named: local ones are left alone";
}

TEST_F(RouterTest, Star_WithConditions_LetsALaterRouteHaveALocalDomain) {
  const auto router = make({{"*", {"smtp://smarthost"}, {}, {"*@local.test"}}, {"local.test", {"smtp://behind"}}});
  const Envelope ours{smtp::ReversePath(*smtp::parse_address("anna@local.test")), "local.test", {}};
  EXPECT_EQ(route(*router, "anna@local.test", {}), "site smtp://behind:25");
  EXPECT_EQ(route(*router, "x@far.test", ours), "site smtp://smarthost:25");
  EXPECT_EQ(route(*router, "x@far.test", {}), "mx far.test");
}

TEST_F(RouterTest, RecipientThatNamesALocalAddress_WinsOverItsAccount) {
  const auto router = make({{"", {"discard"}, {"anna@local.test"}}});
  EXPECT_EQ(route(*router, "anna@local.test"), "discard: the route \"recipient anna@local.test\" says discard");
  EXPECT_EQ(route(*router, "team@local.test"), "alias 2");
}

TEST_F(RouterTest, Header_IsAskedForOnlyWhereItCouldDecide) {
  const auto router = make({{"far.test", {"smtp://campaigns"}, {}, {"*@news.test"}, {}, {"X-Campaign: *"}}, {"far.test", {"hold"}}});
  Envelope news{smtp::ReversePath(*smtp::parse_address("x@news.test")), {}, {}};
  EXPECT_TRUE(router->decides_after_rcpt());
  EXPECT_TRUE(router->wants_header(*smtp::parse_address("bob@far.test"), news));
  EXPECT_FALSE(router->wants_header(*smtp::parse_address("bob@else.test"), news));
  EXPECT_FALSE(router->wants_header(*smtp::parse_address("bob@far.test"), Envelope()));
  EXPECT_EQ(route(*router, "bob@far.test", news), "hold") << "not known yet: passed over";
  news.header = "Subject: x\r\nX-Campaign: spring\r\n";
  EXPECT_FALSE(router->wants_header(*smtp::parse_address("bob@far.test"), news));
  EXPECT_EQ(route(*router, "bob@far.test", news), "site smtp://campaigns:25");
  news.header = "Subject: x\r\n";
  EXPECT_EQ(route(*router, "bob@far.test", news), "hold");
  EXPECT_FALSE(make({{"far.test", {"hold"}, {"a@far.test"}, {"<>"}}})->decides_after_rcpt());
}

TEST_F(RouterTest, Security_IsPartOfTheSite) {
  Route verified{"a.test", {"smtp://relay.test:587", "smtps://relay.test"}};
  verified.tls = "verify";
  verified.tls_name = "Cert.Relay.Test";
  verified.user = "anna";
  verified.password_file = "/etc/godwit/relay.password";
  const auto router = make({verified});
  const auto found = loop_.run(router->route(*smtp::parse_address("x@a.test"), Envelope()));
  const Site& site = *std::get<ToSite>(*found).site;
  EXPECT_EQ(site.name, "smtp://relay.test:587,smtps://relay.test:465 tls=verify tls_name=cert.relay.test user=anna password=#" +
                           hex_encode(crypto::sha256("/etc/godwit/relay.password")).substr(0, 8));
  EXPECT_EQ(site.tls, Tls::verify);
  EXPECT_EQ(site.tls_name, "cert.relay.test");
  EXPECT_EQ(site.login->user, "anna");
  EXPECT_EQ(site.login->password_file, "/etc/godwit/relay.password");
}

TEST_F(RouterTest, Pool_IsPartOfTheSite_AndForWhatIsSent) {
  Route hop{"a.test", {"smtp://relay.test"}};
  hop.pool = "bulk";
  Route mx{"b.test", {"mx"}};
  mx.pool = "bulk";
  const auto router = make({hop, mx, {"c.test", {"smtp://relay.test"}}});
  const auto site = loop_.run(router->route(*smtp::parse_address("x@a.test"), Envelope()));
  EXPECT_EQ(std::get<ToSite>(*site).site->pool, "bulk");
  EXPECT_EQ(std::get<ToSite>(*site).site->name, "smtp://relay.test:25 pool=bulk");
  EXPECT_EQ(route(*router, "x@c.test"), "site smtp://relay.test:25");
  const auto by_dns = loop_.run(router->route(*smtp::parse_address("x@b.test"), Envelope()));
  EXPECT_EQ(std::get<ToMx>(*by_dns).pool, "bulk");
  for (const char* word : {"hold", "local", "reject", "discard"}) {
    Route bad{"d.test", {word}};
    bad.pool = "bulk";
    RouteTable table;
    const auto added = table.add(bad);
    ASSERT_FALSE(added) << word;
    EXPECT_EQ(added.error().key, "pool");
  }
}

TEST_F(RouterTest, SameUserOtherPasswordFile_IsAnotherSite) {
  Route one{"a.test", {"smtp://relay.test:587"}};
  one.user = "anna";
  one.password_file = "/etc/godwit/one.password";
  Route two = one;
  two.domain = "b.test";
  two.password_file = "/etc/godwit/two.password";
  Route again = one;
  again.domain = "c.test";
  const auto router = make({one, two, again});
  const std::string first = route(*router, "x@a.test");
  EXPECT_NE(first, route(*router, "x@b.test"));
  EXPECT_EQ(first, route(*router, "x@c.test"));
  EXPECT_EQ(first, route(*make({one}), "x@a.test")) << "a reload keeps the pool";
  EXPECT_FALSE(first.contains("one.password")) << "names are shown in logs and tables";
}

TEST_F(RouterTest, TlsName_InternationalIsAnALabel) {
  Route hop{"a.test", {"smtp://192.0.2.1"}};
  hop.tls = "verify";
  hop.tls_name =
      "B\xc3\x9c"
      "CHER.example";
  Route mx = hop;
  mx.domain = "b.test";
  mx.to = {"mx"};
  const auto router = make({hop, mx});
  const auto site = loop_.run(router->route(*smtp::parse_address("x@a.test"), Envelope()));
  EXPECT_EQ(std::get<ToSite>(*site).site->tls_name, "xn--bcher-kva.example");
  const auto by_dns = loop_.run(router->route(*smtp::parse_address("x@b.test"), Envelope()));
  EXPECT_EQ(std::get<ToMx>(*by_dns).tls_name, "xn--bcher-kva.example");
}

TEST_F(RouterTest, RouteMx_MayAskForALevelOfTls) {
  Route route_{"far.test", {"mx"}};
  route_.tls = "encrypt";
  EXPECT_EQ(route(*make({route_}), "x@far.test"), "mx far.test encrypt");
}

TEST_F(RouterTest, TlsLevel_WithoutAWordIsSafeWhereAPasswordOrAnImplicitTlsLeadsOverANetwork) {
  struct Case {
    std::string_view hop;
    bool login;
    bool starttls;
    Tls expected;
  };
  for (const Case& c : {Case{"smtp://relay.test", false, true, Tls::opportunistic}, Case{"smtp://relay.test", false, false, Tls::none},
                        Case{"smtp://relay.test:587", true, true, Tls::verify}, Case{"smtp://relay.test:587", true, false, Tls::verify},
                        Case{"smtp://127.0.0.1:587", true, true, Tls::opportunistic}, Case{"smtps://relay.test", false, false, Tls::verify},
                        Case{"smtps://127.0.0.1", true, false, Tls::encrypt}, Case{"lmtp://unix:/run/x", true, true, Tls::none},
                        Case{"lmtp://192.0.2.1", false, true, Tls::opportunistic}}) {
    SCOPED_TRACE(c.hop);
    Site site;
    site.hops.push_back(*parse_hop(c.hop));
    if (c.login) site.login = Login{"anna", "/p"};
    EXPECT_EQ(tls_level(site, site.hops[0], c.starttls), c.expected);
    site.tls = Tls::none;
    EXPECT_EQ(tls_level(site, site.hops[0], c.starttls), Tls::none) << "the operator's word counts";
  }
}

TEST_F(RouterTest, Errors_OfTlsAndLogin_NameTheKeyAndTheMend) {
  const auto mistake = [&](std::vector<std::string> to, std::string tls, std::string tls_name = "", std::string user = "",
                           std::string file = "") {
    Route bad{"a.test", std::move(to)};
    bad.tls = std::move(tls);
    bad.tls_name = std::move(tls_name);
    bad.user = std::move(user);
    bad.password_file = std::move(file);
    return error_of({bad});
  };
  EXPECT_THAT(mistake({"smtp://h"}, "strict"), HasSubstr("route 1, tls: \"strict\" is no level; write \"none\", \"opportunistic\""));
  EXPECT_THAT(mistake({"smtps://h"}, "none"), HasSubstr("tls: \"smtps://h:465\" is always encrypted"));
  EXPECT_THAT(mistake({"smtps://h"}, "opportunistic"), HasSubstr("is always encrypted"));
  EXPECT_THAT(mistake({"lmtp://unix:/x"}, "verify"), HasSubstr("is a Unix socket, which has no TLS and needs none"));
  EXPECT_THAT(mistake({"hold"}, "verify"), HasSubstr("tls: is for hops and for \"mx\"; nothing is sent where `to` is \"hold\""));
  EXPECT_THAT(mistake({"smtp://h"}, "encrypt", "h.test"), HasSubstr("tls_name: is the name in the server's certificate"));
  EXPECT_THAT(mistake({"smtp://h"}, "", "h.test"), HasSubstr("write tls = \"verify\""));
  EXPECT_EQ(mistake({"smtps://h"}, "", "h.test"), "") << "verified without a word";
  EXPECT_THAT(mistake({"smtp://h"}, "verify", "h h"), HasSubstr("tls_name: \"h h\" is no host name"));
  EXPECT_THAT(mistake({"mx"}, "", "", "anna", "/p"), HasSubstr("user: is for hops such as smtp://host:port"));
  EXPECT_THAT(mistake({"smtp://h"}, "", "", "anna"), HasSubstr("user: has no password: write password_file"));
  EXPECT_THAT(mistake({"smtp://h"}, "", "", "", "/p"), HasSubstr("password_file: has no user"));
  EXPECT_THAT(mistake({"smtp://h"}, "", "", "anna", "p"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(mistake({"smtp://h"}, "", "", "an\nna", "/p"), HasSubstr("without control characters"));
  EXPECT_THAT(mistake({"lmtp://h", "smtp://h"}, ""), HasSubstr("to: \"smtp://h:25\" speaks another protocol than \"lmtp://h:24\""));
  EXPECT_THAT(mistake({"smtp://h", "lmtp://unix:/x"}, ""), HasSubstr("LMTP and SMTP cannot be each other's fall back"));
  EXPECT_EQ(mistake({"smtp://h", "smtps://h"}, ""), "");
  EXPECT_THAT(mistake({"discard", "hold"}, ""), HasSubstr("\"discard\" stands alone"));
}

TEST_F(RouterTest, Errors_NameTheRouteAndTheMend) {
  EXPECT_THAT(error_of({{"a.test", {"hold"}}, {"-bad-", {"hold"}}}), HasSubstr("route 2, domain: \"-bad-\": this is no domain"));
  EXPECT_THAT(error_of({{"*.[192.0.2.1]", {"hold"}}}), HasSubstr("this is no domain"));
  EXPECT_THAT(error_of({{"a.test", {}}}), HasSubstr("route 1, to: is missing; write to = "));
  EXPECT_THAT(error_of({{"a.test", {"gopher://h:70"}}}),
              HasSubstr("route 1, to: \"gopher://h:70\" is no destination: write smtp://host:port"));
  EXPECT_THAT(error_of({{"a.test", {"smtp://h:1", "local"}}}), HasSubstr("\"local\" stands alone"));
  EXPECT_THAT(error_of({{"a.test", {"nonsense"}}}), HasSubstr("write smtp://host:port"));
  EXPECT_THAT(error_of({{"*", {"hold"}}, {"a.test", {"hold"}}}), HasSubstr("route 2, domain: it can never match, because route 1"));
  EXPECT_THAT(error_of({{"*.a.test", {"hold"}}, {"b.a.test", {"hold"}}}), HasSubstr("can never match"));
  EXPECT_THAT(error_of({{"a.test", {"hold"}}, {"A.test", {"hold"}}}), HasSubstr("can never match"));
  EXPECT_EQ(error_of({{"a.test", {"hold"}}, {"*.a.test", {"hold"}}}), "");
  EXPECT_EQ(error_of({{"*.a.test", {"hold"}}, {"a.test", {"hold"}}}), "");
}

TEST(ParseHop, Forms) {
  struct Case {
    std::string_view text, expected;
  };
  for (const Case& c :
       {Case{"smtp://127.0.0.1:2600", "smtp://127.0.0.1:2600"}, Case{"SMTP://Mail.Example.ORG", "smtp://mail.example.org:25"},
        Case{"smtp://[::1]:2525", "smtp://[::1]:2525"}, Case{"smtp://[2001:db8::1]", "smtp://[2001:db8::1]:25"},
        Case{"smtp://localhost:26", "smtp://localhost:26"}, Case{"smtps://relay.example.net", "smtps://relay.example.net:465"},
        Case{"smtps://relay.example.net:10465", "smtps://relay.example.net:10465"}, Case{"lmtp://[::1]", "lmtp://[::1]:24"},
        Case{"LMTP://mail.example.org:2400", "lmtp://mail.example.org:2400"},
        Case{"lmtp://unix:/run/dovecot/lmtp", "lmtp://unix:/run/dovecot/lmtp"}}) {
    SCOPED_TRACE(c.text);
    const auto hop = parse_hop(c.text);
    ASSERT_TRUE(hop) << hop.error().text;
    EXPECT_EQ(hop->text(), c.expected);
  }
  for (const std::string bad : {"",
                                "smtp:",
                                "smtp://",
                                "smtp://:25",
                                "smtp://h:",
                                "smtp://h:0",
                                "smtp://h:65536",
                                "smtp://h:25x",
                                "smtp://h/",
                                "smtp://u@h",
                                "smtp://[::1",
                                "smtp://[::1]x",
                                "smtp://[h]:25",
                                "smtp://::1",
                                "http://h",
                                "h:25",
                                "smtp://a b",
                                "lmtp://h:25",
                                "lmtp://unix:",
                                "lmtp://unix:relative",
                                "smtp://unix:/run/x",
                                "smtps://unix:/run/x"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_hop(bad));
  }
  EXPECT_FALSE(parse_hop("lmtp://unix:/" + std::string(107, 'x')));
}

TEST(Hop, Loopback_IsWhereNobodyElseListens) {
  for (const std::string_view near : {"smtp://127.0.0.1", "smtp://127.9.9.9:26", "smtp://[::1]", "smtp://localhost", "lmtp://unix:/run/x"})
    EXPECT_TRUE(parse_hop(near)->is_loopback()) << near;
  for (const std::string_view far : {"smtp://192.168.1.1", "smtp://localhost.example.org", "smtp://relay"})
    EXPECT_FALSE(parse_hop(far)->is_loopback()) << far;
}

}  // namespace
}  // namespace godwit::routing
