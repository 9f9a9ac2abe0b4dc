#pragma once
// The DNS tree walk (RFC 9989 4.10): DMARC records from a domain up to its last label, the organisational domain they name, and
// the record that counts. One walker serves one message: what it asked once it knows. One user at a time.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "check/dmarc/record.h"
#include "edge/dns/resolver.h"

namespace godwit::dmarc {

// What is published under "_dmarc." of one name.
struct Finding {
  enum class Status : std::uint8_t { found, absent, failed };
  Status status = Status::absent;
  Record record;        // found
  bool secure = false;  // found: under DNSSEC
  std::string text;     // failed: why; absent: why a record there does not count, if one does not
};

struct Walk {
  bool failed = false;                // the DNS did not answer somewhere on the way; the rest is empty
  std::string text;                   // failed: why
  std::string organizational_domain;  // RFC 9989 4.10.2; the domain itself where no record says anything
  std::string record_domain;          // RFC 9989 4.10.1: whose record applies to the domain; empty: nobody's
};

// The names that a walk from `domain` asks for, in order, without "_dmarc.": at most 8 (RFC 9989 4.10).
std::vector<std::string> walk_targets(std::string_view domain);

class Walker {
 public:
  static constexpr unsigned kMaxFailures = 4;  // unanswered questions; then no more are asked

  Walker(dns::Resolver& resolver, Duration timeout) : resolver_(resolver), timeout_(timeout) {}

  // Domains are A-labels in lower case. The findings stay where they are as long as the walker lives.
  Task<const Finding*> look_up(std::string domain);
  Task<Walk> walk(std::string domain);

  unsigned questions() const { return questions_; }

 private:
  Task<Finding> ask(std::string domain);

  dns::Resolver& resolver_;
  Duration timeout_;
  std::map<std::string, Finding> findings_;
  unsigned questions_ = 0;
  unsigned failures_ = 0;
};

}  // namespace godwit::dmarc
