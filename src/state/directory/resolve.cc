// Where an address leads: the questions of RCPT, of delivery and of sender rights.

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "state/directory/directory_impl.h"

namespace godwit::directory {
namespace {

// An alias names the account by its own address, with or without a tag.
bool names_account(const smtp::Address& target, const Account& account) {
  if (target.domain != account.address.domain) return false;
  const std::string own = normalise_local(account.address.local.text());
  const std::string local = normalise_local(target.local.text());
  return local == own || without_tag(local) == own;
}

Resolution as_resolution(const NameCache::Value& name) {
  if (!name) return {Resolution::Kind::unknown_user, {}, {}};
  if (const auto* account = std::get_if<Account>(name.get())) return {Resolution::Kind::account, *account, {}};
  return {Resolution::Kind::alias, {}, std::get<Alias>(*name).targets};
}

// One walk along aliases: what is still to be asked, and what has been seen.
struct Walk {
  struct Step {
    smtp::Address address;
    std::size_t depth = 0;
  };
  std::vector<Step> open;
  std::set<std::string> seen;
  std::set<AccountId> accounts;
  std::vector<smtp::Address> ends;

  void enter(const std::vector<smtp::Address>& targets, std::size_t depth) {
    // backwards: the walk takes from the end, and the ends shall come in the order in which the alias lists them
    for (auto target = targets.rbegin(); target != targets.rend(); ++target) open.push_back({*target, depth});
  }
  bool first_visit(const smtp::Address& address) {
    return seen.insert(normalise_local(address.local.text()) + '@' + address.domain.text()).second;
  }
};

}  // namespace

Task<Result<bool>> Directory::Impl::has_domain(smtp::Domain domain) {
  GODWIT_CO_ASSIGN(const auto entry, co_await lookup(domain_key(domain)));
  co_return entry.present;
}

Task<Result<NameCache::Value>> Directory::Impl::exact(smtp::Domain domain, std::string normalised) {
  GODWIT_CO_ASSIGN(auto entry, co_await lookup(name_key(domain, normalised)));
  co_return std::move(entry.name);
}

Task<Result<NameCache::Value>> Directory::Impl::named(smtp::Domain domain, std::string normalised) {
  GODWIT_CO_ASSIGN(auto name, co_await exact(domain, normalised));
  if (name) co_return name;
  if (auto base = without_tag(normalised)) {
    GODWIT_CO_ASSIGN(name, co_await exact(domain, *std::move(base)));
  }
  co_return name;
}

// RFC 5321 4.5.1: a domain that takes mail has a postmaster. Nobody should have to remember to add one.
Task<Result<NameCache::Value>> Directory::Impl::role(smtp::Domain domain, std::string normalised) {
  const std::string base = without_tag(normalised).value_or(normalised);
  if (!is_reserved_role(base)) co_return NameCache::Value();
  const std::string prefix = members_prefix(domain);
  const auto view = engine.read(store::kDirectoryPartition);
  GODWIT_CO_ASSIGN(const auto oldest,
                   co_await view->scan(store::Keyspace::directory, prefix, prefix_end(prefix), store::ScanLimit{1, 4'096}));
  if (oldest.rows.empty()) co_return NameCache::Value();
  co_return co_await exact(domain, oldest.rows.front().value);
}

Task<Result<NameCache::Value>> Directory::Impl::meaning(smtp::Domain domain, std::string normalised) {
  GODWIT_CO_ASSIGN(auto name, co_await named(domain, normalised));
  if (name) co_return name;
  GODWIT_CO_ASSIGN(name, co_await exact(domain, std::string(kCatchAll)));
  if (name) co_return name;
  co_return co_await role(domain, std::move(normalised));
}

// The order of named() and meaning(), as if the alias were there already.
Task<Result<bool>> Directory::Impl::would_mean(smtp::Address address, smtp::Address alias) {
  if (address.domain != alias.domain) co_return false;
  const std::string own = normalise_local(alias.local.text());
  std::string normalised = normalise_local(address.local.text());
  if (normalised == own) co_return true;
  if (own == kCatchAll) {
    GODWIT_CO_ASSIGN(const auto other, co_await named(std::move(address.domain), std::move(normalised)));
    co_return other == nullptr;
  }
  if (without_tag(normalised) != own) co_return false;
  GODWIT_CO_ASSIGN(const auto other, co_await exact(std::move(address.domain), std::move(normalised)));
  co_return other == nullptr;
}

Task<Result<bool>> Directory::is_local(smtp::Domain domain) { co_return co_await impl_->has_domain(std::move(domain)); }

Task<Result<Resolution>> Directory::resolve(smtp::Address address) {
  GODWIT_CO_ASSIGN(const bool local, co_await impl_->has_domain(address.domain));
  if (!local) co_return Resolution{};
  std::string normalised = normalise_local(address.local.text());
  GODWIT_CO_ASSIGN(const auto name, co_await impl_->meaning(std::move(address.domain), std::move(normalised)));
  co_return as_resolution(name);
}

Task<Result<Directory::Expansion>> Directory::expand(smtp::Address address) {
  GODWIT_CO_ASSIGN(auto first, co_await resolve(address));
  if (first.kind == Resolution::Kind::account)
    co_return Expansion{first.kind, std::vector<smtp::Address>(1, std::move(address)), AliasTrouble::none};
  if (first.kind != Resolution::Kind::alias) co_return Expansion{first.kind, {}, AliasTrouble::none};

  Walk walk;
  walk.first_visit(address);
  walk.enter(first.targets, 1);
  while (!walk.open.empty()) {
    const Walk::Step step = std::move(walk.open.back());
    walk.open.pop_back();
    if (!walk.first_visit(step.address)) continue;
    GODWIT_CO_ASSIGN(const auto next, co_await resolve(step.address));
    const bool too_deep = next.kind == Resolution::Kind::alias && step.depth >= kMaxAliasDepth;
    if (too_deep) co_return Expansion{Resolution::Kind::alias, {}, AliasTrouble::too_deep};
    if (walk.seen.size() > kMaxAliasAddresses) co_return Expansion{Resolution::Kind::alias, {}, AliasTrouble::too_wide};
    if (next.kind == Resolution::Kind::alias)
      walk.enter(next.targets, step.depth + 1);
    else if (next.kind != Resolution::Kind::account || walk.accounts.insert(next.account.id).second)
      walk.ends.push_back(step.address);
  }
  if (walk.ends.empty()) co_return Expansion{Resolution::Kind::unknown_user, {}, AliasTrouble::circle};
  co_return Expansion{Resolution::Kind::alias, std::move(walk.ends), AliasTrouble::none};
}

std::vector<smtp::Address> postmaster_addresses(std::string_view hostname) {
  std::vector<smtp::Address> out;
  while (!hostname.empty()) {
    auto address = smtp::parse_address("postmaster@" + std::string(hostname));
    if (!address) break;
    out.push_back(*std::move(address));
    const std::size_t dot = hostname.find('.');
    hostname.remove_prefix(dot == std::string_view::npos ? hostname.size() : dot + 1);
  }
  return out;
}

Task<Result<std::optional<smtp::Address>>> Directory::postmaster_for(std::string hostname) {
  for (smtp::Address& address : postmaster_addresses(hostname)) {
    GODWIT_CO_ASSIGN(const bool local, co_await impl_->has_domain(address.domain));
    if (local) co_return std::move(address);
  }
  co_return std::optional<smtp::Address>();
}

Task<Result<std::vector<smtp::Address>>> Directory::find_circle(smtp::Address address, std::vector<smtp::Address> targets) {
  struct Step {
    smtp::Address address;
    std::size_t before;  // index of the step that led here
  };
  std::vector<Step> steps(1, Step{address, 0});
  for (smtp::Address& target : targets) steps.push_back({std::move(target), 0});
  Walk walk;
  for (std::size_t at = 1; at < steps.size() && at <= kMaxAliasAddresses; ++at) {
    smtp::Address here = steps[at].address;
    if (!walk.first_visit(here)) continue;
    GODWIT_CO_ASSIGN(const bool back, co_await impl_->would_mean(here, address));
    if (back) {
      std::vector<smtp::Address> way;
      if (here != address) way.push_back(address);  // by its tag, or as what a catch-all catches
      for (std::size_t step = at; step != 0; step = steps[step].before) way.push_back(steps[step].address);
      way.push_back(address);
      std::ranges::reverse(way);
      co_return way;
    }
    GODWIT_CO_ASSIGN(const auto next, co_await resolve(std::move(here)));
    if (next.kind != Resolution::Kind::alias) continue;
    for (const smtp::Address& target : next.targets) steps.push_back({target, at});
  }
  co_return std::vector<smtp::Address>();
}

Task<Result<bool>> Directory::may_send_as(Account account, smtp::Address sender) {
  std::string normalised = normalise_local(sender.local.text());
  GODWIT_CO_ASSIGN(auto name, co_await impl_->named(sender.domain, normalised));
  if (!name) {
    GODWIT_CO_ASSIGN(const auto catch_all, co_await impl_->exact(sender.domain, std::string(kCatchAll)));
    if (catch_all) co_return false;
    GODWIT_CO_ASSIGN(name, co_await impl_->role(sender.domain, std::move(normalised)));
  }
  if (!name) co_return false;
  if (const auto* own = std::get_if<Account>(name.get())) co_return own->id == account.id;
  const auto& alias = std::get<Alias>(*name);
  if (alias.address.local.text() == kCatchAll) co_return false;
  co_return std::ranges::any_of(alias.targets, [&](const auto& target) { return names_account(target, account); });
}

}  // namespace godwit::directory
