#include "check/spf/lookups.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::spf {

Lookups::Lookups(dns::Resolver& resolver, Clock& clock, const Limits& limits)
    : resolver_(resolver), clock_(clock), limits_(limits), end_(clock.steady() + limits.time) {}

godwit::Result<void> Lookups::count_term() {
  // RFC 7208 4.6.4: one count for the whole check, includes and redirects with it
  if (terms_ >= limits_.lookups)
    return fail(Error::permanent(Error::Cause::limit, fmt::format("more than {} terms ask the DNS", limits_.lookups)));
  ++terms_;
  if (time_left() <= Duration(0)) return fail(too_late());
  return {};
}

godwit::Result<void> Lookups::count_void() {
  // RFC 7208 4.6.4: "limit 'void lookups' to two"; it counts terms: an mx whose hosts all lack addresses is one
  if (++voids_ <= limits_.void_lookups) return {};
  return fail(Error::permanent(Error::Cause::limit, fmt::format("more than {} terms find nothing in the DNS", limits_.void_lookups)));
}

Duration Lookups::time_left() const { return end_ - clock_.steady(); }

Error Lookups::too_late() const {
  return Error::temporary(Error::Cause::timed_out, fmt::format("the check takes longer than {} ms", limits_.time.count()));
}

bool Lookups::is_final(const Error& error) const {
  return error.kind == Error::Kind::permanent || error.cause == Error::Cause::cancelled || time_left() <= Duration(0);
}

template <class Record>
Found<Record> Lookups::found(dns::Answer<Record> answer) const {
  if (answer.failed()) return fail(time_left() <= Duration(0) ? too_late() : answer.error());
  return std::move(answer.records);  // RFC 7208 5: NXDOMAIN is as an answer without records
}

Task<Found<std::string>> Lookups::txt(std::string name) {
  const Duration timeout = std::min(limits_.lookup, time_left());
  if (timeout <= Duration(0)) co_return fail(too_late());
  co_return found(co_await resolver_.txt(std::move(name), timeout));
}

Task<Found<dns::Mx>> Lookups::mx(std::string name) {
  const Duration timeout = std::min(limits_.lookup, time_left());
  if (timeout <= Duration(0)) co_return fail(too_late());
  co_return found(co_await resolver_.mx(std::move(name), timeout));
}

Task<Found<IpAddress>> Lookups::addresses(std::string name, bool v6) {
  const Duration timeout = std::min(limits_.lookup, time_left());
  if (timeout <= Duration(0)) co_return fail(too_late());
  if (v6) co_return found(co_await resolver_.aaaa(std::move(name), timeout));
  co_return found(co_await resolver_.a(std::move(name), timeout));
}

Task<Found<std::string>> Lookups::ptr(IpAddress client) {
  const Duration timeout = std::min(limits_.lookup, time_left());
  if (timeout <= Duration(0)) co_return fail(too_late());
  co_return found(co_await resolver_.ptr(client, timeout));
}

}  // namespace godwit::spf
