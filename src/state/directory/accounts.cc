// Administration of accounts, and who may log in.

#include "base/bytes.h"
#include "base/log.h"
#include "state/directory/directory_impl.h"

namespace godwit::directory {
namespace {

using store::Batch;
using store::Keyspace;

Error no_such_account(const smtp::Address& address) {
  return Error::permanent(Error::Cause::not_found, "there is no account " + address.text());
}

Error name_taken(const smtp::Address& address, const Name& name) {
  if (std::holds_alternative<Account>(name)) return Error::permanent(Error::Cause::conflict, address.text() + " exists already");
  return Error::permanent(Error::Cause::conflict,
                          address.text() + " is an alias; remove that first: godwit alias remove " + address.text());
}

void put_account(Batch& batch, const Account& account, std::string_view hash) {
  const std::string local = normalise_local(account.address.local.text());
  const std::string key = name_key(account.address.domain, local);
  batch.require_absent(Keyspace::directory, key);
  batch.put(Keyspace::directory, key, encode_account(account));
  batch.put(Keyspace::directory, member_key(account.address.domain, account.id), local);
  batch.put(Keyspace::directory, credential_key(account.id), encode_credential(hash, account.created));
}

// Burns a number, used or not: a number that came back would inherit somebody's mail.
Task<Result<AccountId>> next_account_id(store::Engine& engine) {
  Batch batch;
  batch.durability = Batch::Durability::lazy;  // the durable batch that uses the number covers it
  batch.add(Keyspace::directory, std::string(kLastAccountKey), 1);
  const store::WriteDone done = co_await engine.write(store::kDirectoryPartition, std::move(batch));
  GODWIT_CO_TRY(store::as_result(done, "taking an account number"));
  const auto number = static_cast<std::uint64_t>(done.sums.at(0));
  if (number > UINT32_MAX - store::kFirstAccountPartition)
    co_return fail(Error::permanent(Error::Cause::limit, "all account numbers are used"));
  co_return static_cast<AccountId>(number);
}

// From here on nothing is written into the account's mailboxes. The outbox entry repeats it if this does not get through.
Task<> close_partition(store::Engine& engine, AccountId id) {
  Batch batch;
  batch.put(Keyspace::directory, std::string(kRemovedKey), "");
  const store::WriteDone done = co_await engine.write(partition_of(id), std::move(batch));
  if (!done.ok()) log::warning("removed account not closed yet", {{"account", id}, {"error", to_string(done.outcome)}});
}

}  // namespace

Task<Result<Account>> Directory::add_account(smtp::Address address, std::string password) {
  if (address.local.text() == kCatchAll)
    co_return fail(
        Error::permanent(Error::Cause::syntax, "* is the catch-all: add it as an alias: godwit alias add *@" + address.domain.text()));
  GODWIT_CO_ASSIGN(const auto before, co_await impl_->standing(address));
  if (before.meaning) co_return fail(name_taken(address, *before.meaning));
  GODWIT_CO_ASSIGN(const std::string hash, co_await impl_->credentials.hash(std::move(password)));
  Account account{0, address, impl_->clock.now()};
  GODWIT_CO_ASSIGN(account.id, co_await next_account_id(impl_->engine));

  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    if (now.meaning) co_return fail(name_taken(address, *now.meaning));
    Batch batch;
    batch.refuse_when_full = true;
    touch_domain(batch, now.domain);
    put_account(batch, account, hash);
    std::vector<std::string> keys(1, name_key(address.domain, normalise_local(address.local.text())));
    GODWIT_CO_ASSIGN(const bool added, co_await impl_->commit(std::move(batch), std::move(keys)));
    if (added) co_return account;
  }
  co_return fail(overtaken());
}

Task<Result<void>> Directory::set_password(smtp::Address address, std::string password) {
  GODWIT_CO_ASSIGN(const std::string hash, co_await impl_->credentials.hash(std::move(password)));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    const auto* account = now.meaning ? std::get_if<Account>(&*now.meaning) : nullptr;
    if (account == nullptr) co_return fail(no_such_account(address));
    Batch batch;
    batch.require(Keyspace::directory, now.name->key, now.name->version);
    batch.put(Keyspace::directory, credential_key(account->id), encode_credential(hash, impl_->clock.now()));
    GODWIT_CO_ASSIGN(const bool changed, co_await impl_->commit(std::move(batch), std::vector<std::string>()));
    impl_->credentials.forget(account->id);
    if (changed) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<void>> Directory::set_imap_without(smtp::Address address, std::vector<std::string> capabilities) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    const auto* account = now.meaning ? std::get_if<Account>(&*now.meaning) : nullptr;
    if (account == nullptr) co_return fail(no_such_account(address));
    Account changed = *account;
    changed.imap_without = capabilities;
    Batch batch;
    batch.require(Keyspace::directory, now.name->key, now.name->version);
    batch.put(Keyspace::directory, now.name->key, encode_account(changed));
    GODWIT_CO_ASSIGN(const bool written, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, now.name->key)));
    if (written) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<void>> Directory::remove_account(smtp::Address address) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    GODWIT_CO_ASSIGN(const auto now, co_await impl_->standing(address));
    const auto* account = now.meaning ? std::get_if<Account>(&*now.meaning) : nullptr;
    if (account == nullptr) co_return fail(no_such_account(address));
    Batch batch;
    touch_domain(batch, now.domain);
    batch.require(Keyspace::directory, now.name->key, now.name->version);
    batch.erase(Keyspace::directory, now.name->key);
    batch.erase(Keyspace::directory, member_key(address.domain, account->id));
    batch.erase(Keyspace::directory, credential_key(account->id));
    batch.put(Keyspace::outbox, removal_key(account->id), encode_removal(account->address, impl_->clock.now()));
    GODWIT_CO_ASSIGN(const bool removed, co_await impl_->commit(std::move(batch), std::vector<std::string>(1, now.name->key)));
    impl_->credentials.forget(account->id);
    if (!removed) continue;
    co_await close_partition(impl_->engine, account->id);
    co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<std::vector<Account>>> Directory::list_accounts(std::optional<smtp::Domain> domain) {
  GODWIT_CO_ASSIGN(auto names, co_await impl_->all_names(std::move(domain)));
  std::vector<Account> accounts;
  for (auto& name : names) {
    if (auto* account = std::get_if<Account>(&name)) accounts.push_back(std::move(*account));
  }
  co_return accounts;
}

Task<Result<std::optional<Account>>> Directory::find_account(smtp::Address address) {
  std::string normalised = normalise_local(address.local.text());
  GODWIT_CO_ASSIGN(const auto name, co_await impl_->exact(std::move(address.domain), std::move(normalised)));
  const auto* account = name ? std::get_if<Account>(name.get()) : nullptr;
  co_return account ? std::optional<Account>(*account) : std::nullopt;
}

Task<Result<std::vector<AccountId>>> Directory::list_removals() {
  GODWIT_CO_ASSIGN(const auto rows, co_await impl_->all_rows(Keyspace::outbox, std::string(kRemovalsPrefix)));
  std::vector<AccountId> ids;
  for (const auto& each : rows) {
    if (const auto id = parse_removal_key(each.key)) ids.push_back(*id);
  }
  co_return ids;
}

Task<Result<std::optional<Account>>> Directory::authenticate(std::string login, std::string password) {
  std::optional<Account> account;
  if (auto address = smtp::parse_address(login)) {
    GODWIT_CO_ASSIGN(account, co_await find_account(*std::move(address)));
  }
  std::optional<Secret> secret;
  if (account) {
    GODWIT_CO_ASSIGN(const auto stored, co_await impl_->row(credential_key(account->id)));
    if (stored) {
      GODWIT_CO_ASSIGN(std::string hash, decode_credential(stored->value));
      secret = Secret{account->id, stored->version, std::move(hash)};
    }
  }
  GODWIT_CO_ASSIGN(const bool right, co_await impl_->credentials.verify(std::move(secret), std::move(password)));
  co_return right ? account : std::nullopt;
}

}  // namespace godwit::directory
