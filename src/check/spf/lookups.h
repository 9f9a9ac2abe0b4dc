#pragma once
// The DNS as one check may use it: RFC 7208 4.6.4. Counts terms and void look-ups, and watches the time. Belongs to one check.

#include <string>
#include <vector>

#include "base/task.h"
#include "check/spf/verdict.h"
#include "edge/dns/resolver.h"

namespace godwit::spf {

// A failure ends the check: `temporary` is temperror, `permanent` permerror. Absence is no failure but an empty list.
template <class Record>
using Found = godwit::Result<std::vector<Record>>;

class Lookups {
 public:
  Lookups(dns::Resolver& resolver, Clock& clock, const Limits& limits);

  godwit::Result<void> count_term();  // before a term asks
  godwit::Result<void> count_void();  // a term that found nothing
  unsigned terms() const { return terms_; }

  // Names are not empty, and written as dns::Resolver wants them (to_presentation()).
  Task<Found<std::string>> txt(std::string name);
  Task<Found<dns::Mx>> mx(std::string name);
  Task<Found<IpAddress>> addresses(std::string name, bool v6);  // A, or AAAA
  Task<Found<std::string>> ptr(IpAddress client);

  // Whether this failure is one of the check rather than of one name: the time is up, or the server is shutting down.
  bool is_final(const Error& error) const;

 private:
  template <class Record>
  Found<Record> found(dns::Answer<Record> answer) const;
  Duration time_left() const;
  Error too_late() const;

  dns::Resolver& resolver_;
  Clock& clock_;
  Limits limits_;
  SteadyTime end_;
  unsigned terms_ = 0;
  unsigned voids_ = 0;
};

}  // namespace godwit::spf
