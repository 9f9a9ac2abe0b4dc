#include "check/iprev/iprev.h"

#include <gtest/gtest.h>

#include "testing/fake_resolver.h"
#include "testing/test_loop.h"

namespace godwit::iprev {
namespace {

struct IprevTest : ::testing::Test {
  Verdict ask(std::string_view address) { return loop.run(check(dns, *parse_ip(address))); }

  testing::TestLoop loop;
  testing::FakeResolver dns{loop.clock()};
};

TEST_F(IprevTest, NameAndAddressAgree_Pass) {
  dns.add_ptr("192.0.2.1", "liar.example.org");
  dns.add_ptr("192.0.2.1", "mx.example.org");
  dns.add_address("liar.example.org", "192.0.2.9");
  dns.add_address("mx.example.org", "192.0.2.1");
  EXPECT_EQ(ask("192.0.2.1").result, Result::pass);
  EXPECT_EQ(ask("192.0.2.1").name, "mx.example.org");
  EXPECT_EQ(ask("192.0.2.1").names.size(), 2u);
  dns.add_ptr("2001:db8::1", "mx.example.org");
  EXPECT_EQ(ask("2001:db8::1").result, Result::fail);
  dns.add_address("mx.example.org", "2001:db8::1");
  EXPECT_EQ(ask("2001:db8::1").result, Result::pass);
}

TEST_F(IprevTest, NoName_PermerrorAndDeadDns_Temperror) {
  EXPECT_EQ(ask("192.0.2.1").result, Result::permerror);
  dns.add_ptr("192.0.2.1", "mx.example.org");
  dns.fail("mx.example.org");
  EXPECT_EQ(ask("192.0.2.1").result, Result::temperror);
  dns.fail("1.2.0.192.in-addr.arpa");
  EXPECT_EQ(ask("192.0.2.1").result, Result::temperror);
}

TEST_F(IprevTest, ManyNames_AreBounded) {
  for (int i = 0; i < 40; ++i) dns.add_ptr("192.0.2.1", "n" + std::to_string(i) + ".example.org");
  EXPECT_EQ(ask("192.0.2.1").result, Result::fail);
  EXPECT_LE(dns.questions(), kMaxNames + 1);
}

}  // namespace
}  // namespace godwit::iprev
