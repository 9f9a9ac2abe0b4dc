#pragma once
// The DNS records that a domain needs for the mail of this release: where its mail goes (MX, A, AAAA), who may send in its name
// (SPF, RFC 7208), and the reverse names that receivers look at. Values, pure.

#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "grammar/smtp/path.h"

namespace godwit::app {

struct DnsRecord {
  std::string name;   // with the final dot
  std::string type;   // MX, A, AAAA, TXT, PTR
  std::string value;  // as in a zone file, but TXT without its quotes
};

struct DnsRecords {
  std::vector<DnsRecord> zone;     // to publish in the zones of the domain and of the host name
  std::vector<DnsRecord> reverse;  // set by whoever gave the addresses out
};

// `addresses`: the public ones of `hostname`; without any, its address records and the reverse names are left out.
DnsRecords records_to_publish(const smtp::Domain& domain, const smtp::Domain& hostname, std::span<const IpAddress> addresses);

// Lines of a zone file in columns.
std::string zone_text(std::span<const DnsRecord> records);

}  // namespace godwit::app
