#include "check/spf/reverse_names.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::spf {

bool is_within(std::string_view name, std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || name.size() < domain.size()) return false;
  if (!ascii_iequals(name.substr(name.size() - domain.size()), domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

Task<godwit::Result<void>> ReverseNames::ask() {
  if (asked_) co_return godwit::Result<void>();
  const auto found = co_await lookups_.ptr(client_);
  if (!found && lookups_.is_final(found.error())) co_return fail(found.error());
  asked_ = true;
  // RFC 7208 5.5: "If a DNS error occurs while doing the PTR RR lookup, then this mechanism fails to match"
  if (!found) co_return godwit::Result<void>();
  // RFC 7208 4.6.4: "all records other than the first 10 MUST be ignored"
  for (std::size_t i = 0; i < found->size() && i < most_; ++i)
    if (!(*found)[i].empty()) names_.push_back({(*found)[i], std::nullopt});
  co_return godwit::Result<void>();
}

Task<godwit::Result<bool>> ReverseNames::validate(std::size_t index) {
  if (names_[index].valid) co_return *names_[index].valid;
  std::string name = names_[index].text;
  const auto found = co_await lookups_.addresses(std::move(name), client_.v6);
  if (!found && lookups_.is_final(found.error())) co_return fail(found.error());
  // RFC 7208 5.5: a name whose look-up fails is skipped
  const bool valid = found && std::ranges::find(*found, client_) != found->end();
  names_[index].valid = valid;
  co_return valid;
}

Task<godwit::Result<bool>> ReverseNames::any_within(std::string domain) {
  GODWIT_CO_TRY(co_await ask());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!is_within(names_[i].text, domain)) continue;
    GODWIT_CO_ASSIGN(const bool valid, co_await validate(i));
    if (valid) co_return true;
  }
  co_return false;
}

Task<godwit::Result<std::string>> ReverseNames::best_for(std::string domain) {
  GODWIT_CO_TRY(co_await ask());
  // RFC 7208 7.3: the <domain> itself, else one below it, else any
  const auto rank = [&](const Name& name) { return ascii_iequals(name.text, domain) ? 0 : is_within(name.text, domain) ? 1 : 2; };
  for (int wanted = 0; wanted <= 2; ++wanted) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (rank(names_[i]) != wanted) continue;
      GODWIT_CO_ASSIGN(const bool valid, co_await validate(i));
      if (valid) co_return names_[i].text;
    }
  }
  co_return std::string("unknown");
}

}  // namespace godwit::spf
