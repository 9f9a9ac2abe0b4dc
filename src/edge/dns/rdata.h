#pragma once
// The data of records in wire form, each read to its last byte. Pure functions; any thread.
//
// Names in them are not compressed (libunbound writes them out). Errors are `syntax`, with the rule and the position.

#include <span>
#include <string>
#include <string_view>

#include "edge/dns/record.h"

namespace godwit::dns {

Result<IpAddress> parse_a(std::string_view rdata);       // RFC 1035 3.4.1
Result<IpAddress> parse_aaaa(std::string_view rdata);    // RFC 3596 2.2; an IPv4-mapped address comes out as IPv4, as of parse_ip()
Result<Mx> parse_mx(std::string_view rdata);             // RFC 1035 3.3.9
Result<std::string> parse_name(std::string_view rdata);  // CNAME, PTR: RFC 1035 3.3.1, 3.3.12
Result<std::string> parse_txt(std::string_view rdata);   // RFC 1035 3.3.14; the strings joined without anything between (RFC 7208 3.3)
Result<Tlsa> parse_tlsa(std::string_view rdata);         // RFC 6698 2.1

// All records of an answer. One unreadable record spoils the answer: what it hid is not known.
Result<Records> parse_records(Type type, std::span<const std::string_view> rdata);

}  // namespace godwit::dns
