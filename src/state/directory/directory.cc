#include "state/directory/directory.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "state/directory/directory_impl.h"

namespace godwit::directory {

std::string removal_key(AccountId id) {
  std::string key(kRemovalsPrefix);
  append_be32(key, id);
  return key;
}

std::optional<AccountId> parse_removal_key(std::string_view key) {
  if (!key.starts_with(kRemovalsPrefix) || key.size() != kRemovalsPrefix.size() + 4) return std::nullopt;
  return read_be32(key.substr(kRemovalsPrefix.size()));
}

Directory::Directory(store::Engine& engine, BlockingPool& pool, Clock& clock, Random& random, std::size_t password_checks)
    : impl_(std::make_unique<Impl>(engine, pool, clock, random, password_checks)) {}

Directory::~Directory() = default;

std::uint64_t Directory::password_checks() const { return impl_->credentials.checks(); }

void touch_domain(store::Batch& batch, const store::Row& domain) {
  batch.require(store::Keyspace::directory, domain.key, domain.version);
  batch.put(store::Keyspace::directory, domain.key, domain.value);
}

Error overtaken() { return Error::temporary(Error::Cause::conflict, "the directory is being changed by others; try again"); }

Task<Result<NameCache::Entry>> Directory::Impl::lookup(std::string key) {
  if (auto cached = cache.find(key)) co_return *std::move(cached);
  const std::uint64_t generation = cache.generation();
  GODWIT_CO_ASSIGN(const auto found, co_await engine.get(store::kDirectoryPartition, store::Keyspace::directory, key));
  NameCache::Entry entry{found.has_value(), nullptr};
  if (found && key.starts_with(kAllNames)) {
    GODWIT_CO_ASSIGN(auto name, decode_name(key, found->value));
    entry.name = std::make_shared<const Name>(std::move(name));
  }
  cache.put(std::move(key), entry, generation);
  co_return entry;
}

Task<Result<std::optional<store::Row>>> Directory::Impl::row(std::string key) {
  co_return co_await engine.get(store::kDirectoryPartition, store::Keyspace::directory, std::move(key));
}

Task<Result<Directory::Impl::Standing>> Directory::Impl::standing(smtp::Address address) {
  GODWIT_CO_ASSIGN(auto domain, co_await row(domain_key(address.domain)));
  if (!domain) {
    const std::string& name = address.domain.text();
    co_return fail(
        Error::permanent(Error::Cause::not_found, name + " is not a domain of this server; add it first: godwit domain add " + name));
  }
  Standing result{*std::move(domain), std::nullopt, std::nullopt};
  GODWIT_CO_ASSIGN(result.name, co_await row(name_key(address.domain, normalise_local(address.local.text()))));
  if (result.name) {
    GODWIT_CO_ASSIGN(result.meaning, decode_name(result.name->key, result.name->value));
  }
  co_return result;
}

Task<Result<std::vector<store::Row>>> Directory::Impl::all_rows(store::Keyspace keyspace, std::string prefix) {
  std::vector<store::Row> rows;
  const auto view = engine.read(store::kDirectoryPartition);
  const std::string end = prefix_end(prefix);
  for (std::string from = std::move(prefix);;) {
    GODWIT_CO_ASSIGN(auto page, co_await view->scan(keyspace, from, end));
    std::ranges::move(page.rows, std::back_inserter(rows));
    if (!page.next) co_return rows;
    from = *std::move(page.next);
  }
}

Task<Result<std::vector<Name>>> Directory::Impl::all_names(std::optional<smtp::Domain> domain) {
  std::string prefix = domain ? names_prefix(*domain) : std::string(kAllNames);
  GODWIT_CO_ASSIGN(const auto rows, co_await all_rows(store::Keyspace::directory, std::move(prefix)));
  std::vector<Name> names;
  names.reserve(rows.size());
  for (const auto& each : rows) {
    GODWIT_CO_ASSIGN(auto name, decode_name(each.key, each.value));
    names.push_back(std::move(name));
  }
  co_return names;
}

Task<Result<bool>> Directory::Impl::commit(store::Batch batch, std::vector<std::string> keys) {
  const store::WriteDone done = co_await engine.write(store::kDirectoryPartition, std::move(batch));
  cache.forget(keys);  // also after `unknown`: it may have been written
  if (done.outcome == store::WriteOutcome::conflict) {
    // Who was faster may still be in its sync, and until that is over the old row is read again.
    GODWIT_CO_TRY(co_await engine.sync());
    co_return false;
  }
  GODWIT_CO_TRY(store::as_result(done, "changing the directory"));
  co_return true;
}

}  // namespace godwit::directory
