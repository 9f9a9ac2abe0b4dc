// Administration of aliases, catch-alls among them.

#include <algorithm>

#include "state/directory/directory_impl.h"

namespace godwit::directory {
namespace {

using store::Batch;
using store::Keyspace;

constexpr std::size_t kMaxRecord = 60 * 1024;  // a row holds 64 KiB

Error no_such_alias(const smtp::Address& address) {
  return Error::permanent(Error::Cause::not_found, "there is no alias " + address.text());
}

Error is_account(const smtp::Address& address) {
  return Error::permanent(Error::Cause::conflict, address.text() + " is an account; an alias needs a name of its own");
}

void merge(std::vector<smtp::Address>& into, const std::vector<smtp::Address>& targets) {
  for (const auto& target : targets) {
    if (std::ranges::find(into, target) == into.end()) into.push_back(target);
  }
}

void put_name(Batch& batch, const std::string& key, const std::optional<store::Row>& seen, std::string value) {
  batch.require(Keyspace::directory, key, seen ? std::optional(seen->version) : std::nullopt);
  batch.put(Keyspace::directory, key, std::move(value));
}

// What is left of the alias; an error when a target was not among them.
Result<Alias> without(Alias alias, const std::vector<smtp::Address>& targets) {
  if (targets.empty()) alias.targets.clear();
  for (const auto& target : targets) {
    if (std::erase(alias.targets, target) == 0)
      return fail(Error::permanent(Error::Cause::not_found, alias.address.text() + " does not lead to " + target.text()));
  }
  return alias;
}

}  // namespace

Task<Result<void>> Directory::add_alias(smtp::Address address, std::vector<smtp::Address> targets) {
  if (targets.empty()) co_return fail(Error::permanent(Error::Cause::syntax, "an alias needs at least one target"));
  const std::string key = name_key(address.domain, normalise_local(address.local.text()));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    if (now.meaning && std::holds_alternative<Account>(*now.meaning)) co_return fail(is_account(address));
    Alias alias = now.meaning ? std::get<Alias>(*now.meaning) : Alias{address, {}};
    merge(alias.targets, targets);
    std::string record = encode_alias(alias);
    if (record.size() > kMaxRecord)
      co_return fail(Error::permanent(Error::Cause::limit, address.text() + " has too many targets; split it into aliases of aliases"));
    Batch batch;
    batch.refuse_when_full = true;
    touch_domain(batch, now.domain);
    put_name(batch, key, now.name, std::move(record));
    GODWIT_CO_ASSIGN(const bool added, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, key)));
    if (added) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<void>> Directory::remove_alias(smtp::Address address, std::vector<smtp::Address> targets) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    const auto* found = now.meaning ? std::get_if<Alias>(&*now.meaning) : nullptr;
    if (found == nullptr) co_return fail(no_such_alias(address));
    GODWIT_CO_ASSIGN(const Alias left, without(*found, targets));
    Batch batch;
    touch_domain(batch, now.domain);
    if (left.targets.empty()) {
      batch.require(Keyspace::directory, now.name->key, now.name->version);
      batch.erase(Keyspace::directory, now.name->key);
    } else {
      put_name(batch, now.name->key, now.name, encode_alias(left));
    }
    GODWIT_CO_ASSIGN(const bool removed, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, now.name->key)));
    if (removed) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<std::vector<Alias>>> Directory::list_aliases(std::optional<smtp::Domain> domain) {
  GODWIT_CO_ASSIGN(auto names, co_await impl_->all_names(std::move(domain)));
  std::vector<Alias> aliases;
  for (auto& name : names) {
    if (auto* alias = std::get_if<Alias>(&name)) aliases.push_back(std::move(*alias));
  }
  co_return aliases;
}

}  // namespace godwit::directory
