#pragma once
// Domains, accounts, aliases and credentials: who is local, where an address leads, who may log in and send as whom.
//
// Rows of partition 1 (docs/formats/directory.md); reads are cached with a bound and forgotten on every change.
// Any loop; owned by the application.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "edge/store/engine.h"
#include "grammar/smtp/path.h"

namespace godwit::directory {

using AccountId = std::uint32_t;  // never reused; its rows are in partition kFirstAccountPartition + id
inline store::Partition partition_of(AccountId id) { return store::kFirstAccountPartition + id; }

// A removed account leaves two marks (docs/formats/directory.md): this row in the keyspace `directory` of its own partition, after
// which nothing is written into its mailboxes, and, in the outbox of partition 1, an entry under removal_key() that stays
// until mailbox::Mailboxes::apply_outbox() has erased its rows. on disk: do not change
inline constexpr std::string_view kRemovedKey = "removed";
inline constexpr std::string_view kRemovalsPrefix = "account/";
std::string removal_key(AccountId id);  // kRemovalsPrefix + 4 bytes big-endian
std::optional<AccountId> parse_removal_key(std::string_view key);

struct Account {
  AccountId id = 0;
  smtp::Address address;  // its login name and own address
  WallTime created{};
  std::vector<std::string> imap_without{};  // IMAP capabilities that are switched off for it, in upper case
};

struct Alias {
  smtp::Address address;  // local part "*" = catch-all of the domain
  std::vector<smtp::Address> targets;
};

// Where an address leads. Order of search (first match wins): the account or alias of that exact name (ASCII case of the
// local part does not matter for local users), then without "+tag", then the domain's catch-all. postmaster and abuse
// (RFC 5321 4.5.1, RFC 2142 4) that lead nowhere by then lead to the domain's oldest account.
struct Resolution {
  enum class Kind : std::uint8_t { not_local, unknown_user, account, alias };
  Kind kind = Kind::not_local;
  Account account;                     // kind == account
  std::vector<smtp::Address> targets;  // kind == alias
};

// The addresses that may be the postmaster's of a server of this name, the nearest first: postmaster@mx1.example.org,
// postmaster@example.org, postmaster@org. The first one whose domain is served here is.
std::vector<smtp::Address> postmaster_addresses(std::string_view hostname);

class Directory {
 public:
  // `password_checks`: how many at once; 0 = one per core.
  Directory(store::Engine& engine, BlockingPool& pool, Clock& clock, Random& random, std::size_t password_checks = 0);
  ~Directory();

  Task<Result<bool>> is_local(smtp::Domain domain);
  Task<Result<Resolution>> resolve(smtp::Address address);
  // Follows aliases to their ends (each address and each account once): addresses of accounts as the alias spells them (with
  // their +tag) and foreign addresses. A target that leads nowhere is left in, so that it bounces by name. With `trouble` there
  // are no ends: an alias that only somebody who changes it can mend is refused aloud rather than cut short.
  enum class AliasTrouble : std::uint8_t {
    none,
    circle,    // it leads back to itself and to nobody (unknown_user)
    too_deep,  // a chain of more than kMaxAliasDepth aliases
    too_wide,  // it stands for more than kMaxAliasAddresses addresses
  };
  static constexpr std::size_t kMaxAliasDepth = 10;
  static constexpr std::size_t kMaxAliasAddresses = 10'000;
  struct Expansion {
    Resolution::Kind kind = Resolution::Kind::not_local;
    std::vector<smtp::Address> ends;
    AliasTrouble trouble = AliasTrouble::none;
  };
  Task<Result<Expansion>> expand(smtp::Address address);

  // RFC 5321 4.5.1: <postmaster> without a domain is the postmaster of this server: of its host name's domain, or of the nearest
  // one above it that is served here. nullopt: none of them is. An error is the store's: then nobody knows.
  Task<Result<std::optional<smtp::Address>>> postmaster_for(std::string hostname);

  // nullopt: wrong password or unknown user, which cost the same time (argon2id on the blocking pool behind a bounded
  // queue; `limit` when that is full). A success is remembered for 10 minutes under a keyed hash.
  Task<Result<std::optional<Account>>> authenticate(std::string login, std::string password);
  // Own address, with or without +tag, and aliases (not catch-alls) whose targets include the account by name; the roles
  // that fall to the account because nobody else has them.
  Task<Result<bool>> may_send_as(Account account, smtp::Address sender);

  // Administration: durable when it returns. Errors are sentences: "example.org exists already", "example.org is not a domain of
  // this server; add it first: godwit domain add example.org".
  Task<Result<void>> add_domain(smtp::Domain domain);
  Task<Result<void>> remove_domain(smtp::Domain domain);  // refused while accounts or aliases are left
  Task<Result<std::vector<smtp::Domain>>> list_domains();
  Task<Result<Account>> add_account(smtp::Address address, std::string password);
  Task<Result<void>> set_password(smtp::Address address, std::string password);
  // All of them: what was switched off before and is not among these is there again. For who logs in from now on. The directory does not
  // know the names.
  Task<Result<void>> set_imap_without(smtp::Address address, std::vector<std::string> capabilities);
  // Its mail goes with it: call Mailboxes::apply_outbox(id) next (or at the next start) to erase the rows.
  Task<Result<void>> remove_account(smtp::Address address);
  Task<Result<std::vector<Account>>> list_accounts(std::optional<smtp::Domain> domain);
  Task<Result<std::optional<Account>>> find_account(smtp::Address address);
  Task<Result<void>> add_alias(smtp::Address address, std::vector<smtp::Address> targets);  // adds targets to one that exists
  // The way round if `address` led to `targets`, from `address` to `address`; empty when it leads in no circle. For who adds an alias,
  // to refuse it at once; a circle that comes up in another way (an account goes, two add at a time) is found by expand().
  Task<Result<std::vector<smtp::Address>>> find_circle(smtp::Address address, std::vector<smtp::Address> targets);
  Task<Result<void>> remove_alias(smtp::Address address, std::vector<smtp::Address> targets);  // no targets: the whole alias
  Task<Result<std::vector<Alias>>> list_aliases(std::optional<smtp::Domain> domain);
  // Removed accounts whose rows are not yet erased: for Mailboxes::apply_outbox() at the start.
  Task<Result<std::vector<AccountId>>> list_removals();

  // Password checks that argon2 had to make so far (a remembered success makes none).
  std::uint64_t password_checks() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::directory
