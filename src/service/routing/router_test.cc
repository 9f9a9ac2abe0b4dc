#include "service/routing/router.h"

#include <gmock/gmock.h>

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
  std::string route(const Router& router, std::string_view address) {
    const auto result = loop_.run(router.route(*smtp::parse_address(address)));
    if (!result) return "error " + result.error().text;
    if (const auto* local = std::get_if<ToLocal>(&*result)) return "local " + local->account.address.text();
    if (const auto* site = std::get_if<ToSite>(&*result)) return "site " + site->site->name;
    if (const auto* mx = std::get_if<ToMx>(&*result)) return "mx " + mx->domain.text();
    if (std::holds_alternative<ToHold>(*result)) return "hold";
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
  EXPECT_EQ(route(*router, "x@example.net"), "550 5.7.1 Mail to this domain is not taken here");
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

TEST_F(RouterTest, Errors_NameTheRouteAndTheMend) {
  EXPECT_THAT(error_of({{"a.test", {"hold"}}, {"-bad-", {"hold"}}}), HasSubstr("route 2 (domain = \"-bad-\"): this is no domain"));
  EXPECT_THAT(error_of({{"*.[192.0.2.1]", {"hold"}}}), HasSubstr("this is no domain"));
  EXPECT_THAT(error_of({{"a.test", {}}}), HasSubstr("route 1 (domain = \"a.test\"): `to` is missing"));
  EXPECT_THAT(error_of({{"a.test", {"smtps://h:465"}}}), HasSubstr("smtps:// is not understood in this release; smtp://host:port is"));
  EXPECT_THAT(error_of({{"a.test", {"lmtp://h:24"}}}), HasSubstr("lmtp:// is not understood"));
  EXPECT_THAT(error_of({{"a.test", {"smtp://h:1", "local"}}}), HasSubstr("\"local\" stands alone"));
  EXPECT_THAT(error_of({{"a.test", {"nonsense"}}}), HasSubstr("write smtp://host:port"));
  EXPECT_THAT(error_of({{"*", {"hold"}}, {"a.test", {"hold"}}}),
              HasSubstr("route 2 (domain = \"a.test\"): it can never match, because route 1"));
  EXPECT_THAT(error_of({{"*.a.test", {"hold"}}, {"b.a.test", {"hold"}}}), HasSubstr("can never match"));
  EXPECT_THAT(error_of({{"a.test", {"hold"}}, {"A.test", {"hold"}}}), HasSubstr("can never match"));
  EXPECT_EQ(error_of({{"a.test", {"hold"}}, {"*.a.test", {"hold"}}}), "");
  EXPECT_EQ(error_of({{"*.a.test", {"hold"}}, {"a.test", {"hold"}}}), "");
}

TEST(ParseHop, Forms) {
  struct Case {
    std::string_view text, expected;
  };
  for (const Case& c : {Case{"smtp://127.0.0.1:2600", "smtp://127.0.0.1:2600"},
                        Case{"SMTP://Mail.Example.ORG", "smtp://mail.example.org:25"}, Case{"smtp://[::1]:2525", "smtp://[::1]:2525"},
                        Case{"smtp://[2001:db8::1]", "smtp://[2001:db8::1]:25"}, Case{"smtp://localhost:26", "smtp://localhost:26"}}) {
    SCOPED_TRACE(c.text);
    const auto hop = parse_hop(c.text);
    ASSERT_TRUE(hop) << hop.error().text;
    EXPECT_EQ(hop->text(), c.expected);
  }
  for (const std::string_view bad :
       {"", "smtp:", "smtp://", "smtp://:25", "smtp://h:", "smtp://h:0", "smtp://h:65536", "smtp://h:25x", "smtp://h/", "smtp://u@h",
        "smtp://[::1", "smtp://[::1]x", "smtp://[h]:25", "smtp://::1", "http://h", "h:25", "smtp://a b"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_hop(bad));
  }
}

}  // namespace
}  // namespace godwit::routing
