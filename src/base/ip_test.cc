#include "base/ip.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Ip, Addresses_AreReadAndWritten) {
  EXPECT_EQ(parse_ip("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(parse_ip("2001:DB8::1")->text(), "2001:db8::1");
  EXPECT_EQ(parse_ip("::ffff:192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(parse_ip("2001:db8::1")->literal(), "[IPv6:2001:db8::1]");
  EXPECT_TRUE(parse_ip("127.8.8.8")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_FALSE(parse_ip("::2")->is_loopback());
  for (const std::string& bad : {std::string(""), std::string("192.0.2"), std::string("192.0.2.256"), std::string("::g"),
                                 std::string("127.0.0.1\0x", 11), std::string(" ::1")}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_ip(bad));
  }
}

TEST(Network, Prefix_DecidesWhatIsInside) {
  const auto network = parse_network("192.0.2.128/25").value();
  EXPECT_TRUE(network.contains(*parse_ip("192.0.2.129")));
  EXPECT_FALSE(network.contains(*parse_ip("192.0.2.127")));
  EXPECT_FALSE(network.contains(*parse_ip("2001:db8::1")));
  EXPECT_TRUE(parse_network("fe80::/10")->contains(*parse_ip("febf::1")));
  EXPECT_FALSE(parse_network("fe80::/10")->contains(*parse_ip("fec0::1")));
  EXPECT_TRUE(parse_network("0.0.0.0/0")->contains(*parse_ip("8.8.8.8")));
  for (const char* bad : {"192.0.2.1/24", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1", "example.org/8"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_network(bad));
  }
}

TEST(Endpoint, Text_RoundTrips) {
  for (const char* text : {"192.0.2.1:25", "[2001:db8::1]:587", "0.0.0.0:0"}) EXPECT_EQ(parse_endpoint(text)->text(), text);
  for (const char* bad : {"192.0.2.1", "2001:db8::1:25", "192.0.2.1:", "192.0.2.1:65536", "[::1]", "host:25"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(parse_endpoint(bad));
  }
}

}  // namespace
}  // namespace godwit
