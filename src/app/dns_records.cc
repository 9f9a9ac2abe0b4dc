#include "app/dns_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/own_addresses.h"

namespace godwit::app {

DnsRecords records_to_publish(const smtp::Domain& domain, const smtp::Domain& hostname, std::span<const IpAddress> addresses) {
  const std::string host = hostname.text() + ".";
  DnsRecords records;
  records.zone.push_back({domain.text() + ".", "MX", "10 " + host});
  for (const IpAddress& address : addresses) {
    records.zone.push_back({host, address.v6 ? "AAAA" : "A", address.text()});
    records.reverse.push_back({reverse_name(address) + ".", "PTR", host});
  }
  records.zone.push_back({domain.text() + ".", "TXT", "v=spf1 mx -all"});
  // RFC 7208 2.4, 10.1.3: a bounce has no sender; receivers then look at the name of EHLO.
  if (hostname != domain) records.zone.push_back({host, "TXT", "v=spf1 a -all"});
  return records;
}

std::string zone_text(std::span<const DnsRecord> records) {
  std::size_t width = 0;
  for (const DnsRecord& record : records) width = std::max(width, record.name.size());
  std::string text;
  for (const DnsRecord& record : records) {
    const std::string value = record.type == "TXT" ? fmt::format("\"{}\"", record.value) : record.value;
    text += fmt::format("{:<{}}  IN  {:<4}  {}\n", record.name, width, record.type, value);
  }
  return text;
}

}  // namespace godwit::app
