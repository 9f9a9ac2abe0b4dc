#include "testing/fake_resolver.h"

#include <gtest/gtest.h>

#include "testing/test_loop.h"

namespace godwit::testing {
namespace {

using dns::Security;
using dns::Status;
using dns::Type;

struct FakeResolverTest : ::testing::Test {
  TestLoop loop;
  FakeResolver resolver{loop.clock()};

  static Task<> ask_a(dns::Resolver& with, std::string name, Duration timeout, std::optional<dns::Answer<IpAddress>>& into) {
    into = co_await with.a(std::move(name), timeout);
  }
};

TEST_F(FakeResolverTest, Records_OfEachType_ComeBack) {
  resolver.add_mx("Example.ORG.", 20, "MX2.example.org");
  resolver.add_mx("example.org", 10, "mx1.example.org.");
  resolver.add_address("mx1.example.org", "192.0.2.1");
  resolver.add_address("mx1.example.org", "2001:db8::1");
  resolver.add_txt("example.org", "v=spf1 -all");
  resolver.add_ptr("192.0.2.1", "mx1.example.org");
  resolver.add_tlsa("_25._tcp.mx1.example.org", {3, 1, 1, "hash"});
  const auto mx = loop.run(resolver.mx("EXAMPLE.org."));
  EXPECT_EQ(mx.records, (std::vector<dns::Mx>{{20, "mx2.example.org"}, {10, "mx1.example.org"}}));
  EXPECT_EQ(loop.run(resolver.a("mx1.example.org")).records.at(0).text(), "192.0.2.1");
  EXPECT_EQ(loop.run(resolver.aaaa("mx1.example.org")).records.at(0).text(), "2001:db8::1");
  EXPECT_EQ(loop.run(resolver.txt("example.org")).records.at(0), "v=spf1 -all");
  EXPECT_EQ(loop.run(resolver.ptr(*parse_ip("192.0.2.1"))).records.at(0), "mx1.example.org");
  EXPECT_EQ(loop.run(resolver.tlsa("_25._tcp.mx1.example.org")).records.at(0).data, "hash");
  EXPECT_EQ(resolver.questions(), 6u);
  EXPECT_EQ(resolver.questions("example.org", Type::mx), 1u);
}

TEST_F(FakeResolverTest, Absence_TellsNoDataFromNxdomain) {
  resolver.add_address("mx.example.org", "192.0.2.1");
  EXPECT_EQ(loop.run(resolver.mx("mx.example.org")).status, Status::no_data);
  EXPECT_EQ(loop.run(resolver.mx("example.org")).status, Status::no_data);
  EXPECT_EQ(loop.run(resolver.mx("other.example.org")).status, Status::nxdomain);
  EXPECT_EQ(loop.run(resolver.mx("ample.org")).status, Status::nxdomain);
}

TEST_F(FakeResolverTest, Chain_IsFollowed_AsSecureAsItsWeakestName) {
  resolver.add_cname("www.example.org", "host.example.net");
  resolver.add_address("host.example.net", "192.0.2.7");
  resolver.set_security("host.example.net", Security::secure);
  auto answer = loop.run(resolver.a("www.example.org"));
  EXPECT_EQ(answer.canonical, "host.example.net");
  EXPECT_EQ(answer.security, Security::insecure);
  resolver.set_security("www.example.org", Security::secure);
  EXPECT_EQ(loop.run(resolver.a("www.example.org")).security, Security::secure);
  EXPECT_EQ(loop.run(resolver.cname("www.example.org")).records.at(0), "host.example.net");
  resolver.set_security("host.example.net", Security::bogus);
  answer = loop.run(resolver.a("www.example.org"));
  EXPECT_TRUE(answer.failed());
  EXPECT_EQ(answer.security, Security::bogus);
  resolver.add_cname("a.example", "b.example");
  resolver.add_cname("b.example", "a.example");
  EXPECT_TRUE(loop.run(resolver.a("a.example")).failed());
}

TEST_F(FakeResolverTest, Fail_OfOneTypeOrAll_UntilRecovered) {
  resolver.add_address("example.org", "192.0.2.1");
  resolver.fail("example.org", Type::mx);
  EXPECT_TRUE(loop.run(resolver.mx("example.org")).failed());
  EXPECT_FALSE(loop.run(resolver.a("example.org")).failed());
  resolver.fail("example.org", "broken");
  EXPECT_EQ(loop.run(resolver.a("example.org")).error().text, "broken");
  resolver.recover("example.org");
  EXPECT_EQ(loop.run(resolver.mx("example.org")).status, Status::no_data);
}

TEST_F(FakeResolverTest, DelayAndSilence_TakeTheTestsTime) {
  resolver.add_address("slow.example", "192.0.2.1");
  resolver.delay("slow.example", Duration(2'000));
  std::optional<dns::Answer<IpAddress>> patient;
  std::optional<dns::Answer<IpAddress>> hasty;
  loop.start(ask_a(resolver, "slow.example", Duration(5'000), patient));
  loop.start(ask_a(resolver, "slow.example", Duration(1'000), hasty));
  loop.advance(Duration(1'000));
  ASSERT_TRUE(hasty);
  EXPECT_EQ(hasty->cause, Error::Cause::timed_out);
  EXPECT_FALSE(patient);
  loop.advance(Duration(1'000));
  ASSERT_TRUE(patient);
  EXPECT_EQ(patient->status, Status::records);
  resolver.silence_all();
  patient.reset();
  loop.start(ask_a(resolver, "other.example", Duration(5'000), patient));
  loop.advance(Duration(4'999));
  EXPECT_FALSE(patient);
  loop.advance(Duration(1));
  EXPECT_EQ(patient.value().cause, Error::Cause::timed_out);
}

TEST_F(FakeResolverTest, Stop_WhatWaits_IsCancelled) {
  resolver.silence("silent.example");
  std::optional<dns::Answer<IpAddress>> answer;
  loop.start(ask_a(resolver, "silent.example", Duration(5'000), answer));
  loop.poll();
  resolver.stop();
  loop.poll();
  EXPECT_EQ(answer.value().cause, Error::Cause::cancelled);
  answer.reset();
  loop.start(ask_a(resolver, "silent.example", Duration(5'000), answer));
  loop.poll();
  EXPECT_EQ(answer.value().cause, Error::Cause::cancelled);
}

TEST_F(FakeResolverTest, ImpossibleName_IsNxdomainUnasked) {
  const auto answer = loop.run(resolver.mx("a..example"));
  EXPECT_EQ(answer.status, Status::nxdomain);
  EXPECT_NE(answer.reason, "");
  EXPECT_EQ(resolver.questions(), 0u);
}

}  // namespace
}  // namespace godwit::testing
