// Administration of domains.

#include "state/directory/directory_impl.h"

namespace godwit::directory {

using store::Batch;
using store::Keyspace;

Task<Result<void>> Directory::add_domain(smtp::Domain domain) {
  if (domain.empty() || domain.is_literal())
    co_return fail(Error::permanent(Error::Cause::syntax, "a domain is a name such as example.org, not an address"));
  const std::string key = domain_key(domain);
  Batch batch;
  batch.refuse_when_full = true;
  batch.require_absent(Keyspace::directory, key);
  batch.put(Keyspace::directory, key, encode_domain(impl_->clock.now()));
  GODWIT_CO_ASSIGN(const bool added, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, key)));
  if (!added) co_return fail(Error::permanent(Error::Cause::conflict, domain.text() + " exists already"));
  co_return Result<void>{};
}

Task<Result<void>> Directory::remove_domain(smtp::Domain domain) {
  const std::string key = domain_key(domain);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto found, co_await impl_->row(key));
    if (!found) co_return fail(Error::permanent(Error::Cause::not_found, domain.text() + " is not a domain of this server"));
    GODWIT_CO_ASSIGN(const auto names, co_await impl_->all_rows(Keyspace::directory, names_prefix(domain)));
    if (!names.empty()) {
      std::string text = domain.text() + " still has " + std::to_string(names.size()) + " accounts or aliases; remove them first";
      co_return fail(Error::permanent(Error::Cause::conflict, std::move(text)));
    }
    Batch batch;
    batch.require(Keyspace::directory, key, found->version);  // every new name touches this row
    batch.erase(Keyspace::directory, key);
    GODWIT_CO_ASSIGN(const bool removed, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, key)));
    if (removed) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<std::vector<smtp::Domain>>> Directory::list_domains() {
  GODWIT_CO_ASSIGN(const auto rows, co_await impl_->all_rows(Keyspace::directory, std::string(kAllDomains)));
  std::vector<smtp::Domain> domains;
  for (const auto& each : rows) {
    GODWIT_CO_ASSIGN(auto domain, domain_of_key(each.key));
    domains.push_back(std::move(domain));
  }
  co_return domains;
}

}  // namespace godwit::directory
