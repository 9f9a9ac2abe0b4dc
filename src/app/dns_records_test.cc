#include "app/dns_records.h"

#include <gtest/gtest.h>

namespace godwit::app {
namespace {

smtp::Domain domain(std::string_view text) { return *smtp::parse_domain(text); }

TEST(DnsRecords, TwoAddresses_EachWithItsReverseName) {
  const std::vector<IpAddress> addresses{*parse_ip("203.0.113.5"), *parse_ip("2001:db8::5")};
  const DnsRecords records = records_to_publish(domain("example.org"), domain("mail.example.org"), addresses);
  EXPECT_EQ(zone_text(records.zone),
            "example.org.       IN  MX    10 mail.example.org.\n"
            "mail.example.org.  IN  A     203.0.113.5\n"
            "mail.example.org.  IN  AAAA  2001:db8::5\n"
            "example.org.       IN  TXT   \"v=spf1 mx -all\"\n"
            "mail.example.org.  IN  TXT   \"v=spf1 a -all\"\n");
  ASSERT_EQ(records.reverse.size(), 2u);
  EXPECT_EQ(zone_text({records.reverse.data(), 1}), "5.113.0.203.in-addr.arpa.  IN  PTR   mail.example.org.\n");
}

TEST(DnsRecords, HostThatIsTheDomain_HasOneSpfRecord) {
  const DnsRecords records = records_to_publish(domain("example.org"), domain("example.org"), {});
  ASSERT_EQ(records.zone.size(), 2u);
  EXPECT_EQ(records.zone[1].value, "v=spf1 mx -all");
  EXPECT_TRUE(records.reverse.empty());
}

TEST(DnsRecords, Unicode_IsPublishedAsALabels) {
  const DnsRecords records = records_to_publish(domain("b\xc3\xbc"
                                                       "cher.example"),
                                                domain("mail.example.org"), {});
  EXPECT_EQ(records.zone[0].name, "xn--bcher-kva.example.");
}

}  // namespace
}  // namespace godwit::app
