#include "service/intake/priority_class.h"

#include <algorithm>

namespace godwit::intake {

std::uint8_t priority_by_class(std::span<const PriorityClass> classes, const smtp::ReversePath& sender, bool trusted,
                               const smtp::Address* account, std::string_view tenant) {
  if (classes.empty()) return 0;
  const auto domain = smtp::parse_domain(tenant);
  const auto matches = [&](const PriorityClass& each) {
    const auto by_sender = [&](const routing::SenderPattern& pattern) { return pattern.matches(sender); };
    const auto by_account = [&](const routing::AddressPattern& pattern) { return pattern.matches(*account); };
    const auto by_tenant = [&](const routing::DomainPattern& pattern) { return pattern.matches(*domain); };
    return (each.sender.empty() || (trusted && std::ranges::any_of(each.sender, by_sender))) &&
           (each.account.empty() || (account && std::ranges::any_of(each.account, by_account))) &&
           (each.tenant.empty() || (domain && std::ranges::any_of(each.tenant, by_tenant)));
  };
  const auto found = std::ranges::find_if(classes, matches);
  return found == classes.end() ? 0 : found->priority;
}

}  // namespace godwit::intake
