#pragma once
// Keys in the DNS (RFC 6376 3.6.2): the name, and the TXT records under it. What the records say is not known here.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "edge/dns/resolver.h"

namespace godwit::dkim {

// Records of one name that are looked at: there ought to be one (RFC 6376 3.6.2.2), but a wildcard may add others.
inline constexpr std::size_t kMaxKeyRecords = 8;

struct KeyAnswer {
  enum class Status : std::uint8_t { found, absent, unavailable };
  Status status = Status::unavailable;
  std::vector<std::string> records;  // found: each record's strings joined with nothing between
  bool secure = false;               // under DNSSEC
  std::string text;                  // unavailable: why
};

// RFC 6376 3.6.2.1: "selector._domainkey.domain"
std::string key_name(std::string_view selector, std::string_view domain);

Task<KeyAnswer> look_up_key(dns::Resolver& resolver, std::string name, Duration timeout);

}  // namespace godwit::dkim
