#pragma once
// Domains, accounts, aliases and credentials: who is local, where an address leads, who may log in and send as whom.
//
// Rows of partition 1 (docs/formats/rows.md); reads are cached with a bound and forgotten on every change.
// Any loop; owned by the application.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "edge/store/engine.h"
#include "grammar/smtp/path.h"

namespace godwit::directory {

using AccountId = std::uint32_t;  // never reused; its rows are in partition kFirstAccountPartition + id
inline store::Partition partition_of(AccountId id) { return store::kFirstAccountPartition + id; }

struct Account {
  AccountId id = 0;
  smtp::Address address;  // its login name and own address
  WallTime created{};
};

struct Alias {
  smtp::Address address;  // local part "*" = catch-all of the domain
  std::vector<smtp::Address> targets;
};

// Where an address leads. Order of search (first match wins): the account or alias of that exact name (ASCII case of the
// local part does not matter for local users), then without "+tag", then the domain's catch-all.
struct Resolution {
  enum class Kind : std::uint8_t { not_local, unknown_user, account, alias };
  Kind kind = Kind::not_local;
  Account account;                     // kind == account
  std::vector<smtp::Address> targets;  // kind == alias
};

class Directory {
 public:
  Directory(store::Engine& engine, BlockingPool& pool, Clock& clock, Random& random);
  ~Directory();

  Task<Result<bool>> is_local(smtp::Domain domain);
  Task<Result<Resolution>> resolve(smtp::Address address);
  // Follows aliases to their ends (depth 10, each address once): accounts' addresses and foreign addresses.
  // unknown_user when nothing is reached. A target that leads nowhere is left in, so that it bounces by name.
  struct Expansion { Resolution::Kind kind = Resolution::Kind::not_local; std::vector<smtp::Address> ends; };
  Task<Result<Expansion>> expand(smtp::Address address);

  // nullopt: wrong password or unknown user, which cost the same time (argon2id on the blocking pool behind a bounded
  // queue; `limit` when that is full). A success is remembered for 10 minutes under a keyed hash.
  Task<Result<std::optional<Account>>> authenticate(std::string login, std::string password);
  // Own address, with or without +tag, and aliases (not catch-alls) whose targets include the account.
  Task<Result<bool>> may_send_as(Account account, smtp::Address sender);

  // Administration. Errors are sentences: "example.org exists already", "add the domain first: godwit domain add example.org".
  Task<Result<void>> add_domain(smtp::Domain domain);
  Task<Result<void>> remove_domain(smtp::Domain domain);  // refused while accounts or aliases are left
  Task<Result<std::vector<smtp::Domain>>> list_domains();
  Task<Result<Account>> add_account(smtp::Address address, std::string password);
  Task<Result<void>> set_password(smtp::Address address, std::string password);
  Task<Result<void>> remove_account(smtp::Address address);  // its mail goes with it (an outbox entry erases the rows)
  Task<Result<std::vector<Account>>> list_accounts(std::optional<smtp::Domain> domain);
  Task<Result<std::optional<Account>>> find_account(smtp::Address address);
  Task<Result<void>> add_alias(smtp::Address address, std::vector<smtp::Address> targets);  // adds targets to one that exists
  Task<Result<void>> remove_alias(smtp::Address address, std::vector<smtp::Address> targets);  // no targets: the whole alias
  Task<Result<std::vector<Alias>>> list_aliases(std::optional<smtp::Domain> domain);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::directory
