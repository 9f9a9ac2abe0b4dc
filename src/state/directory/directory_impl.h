#pragma once
// What the parts of Directory share. Private to state/directory.

#include "edge/store/engine.h"
#include "state/directory/credential.h"
#include "state/directory/local_part.h"
#include "state/directory/name_cache.h"
#include "state/directory/record.h"

namespace godwit::directory {

inline constexpr std::size_t kCacheBytes = 16u << 20;
inline constexpr int kAttempts = 100;  // of a change that others overtook; each lost race means that somebody else got on

struct Directory::Impl {
  Impl(store::Engine& engine_, BlockingPool& pool, Clock& clock_, Random& random, std::size_t password_checks)
      : engine(engine_), clock(clock_), credentials(pool, clock_, random, Credentials::Limits{.at_once = password_checks}) {}

  store::Engine& engine;
  Clock& clock;
  NameCache cache{kCacheBytes};
  Credentials credentials;

  // Through the cache. A null value: there is no such name.
  Task<Result<bool>> has_domain(smtp::Domain domain);
  Task<Result<NameCache::Value>> exact(smtp::Domain domain, std::string normalised);
  Task<Result<NameCache::Value>> named(smtp::Domain domain, std::string normalised);    // also without the +tag, and roles
  Task<Result<NameCache::Value>> meaning(smtp::Domain domain, std::string normalised);  // also by the catch-all
  Task<Result<NameCache::Value>> role(smtp::Domain domain, std::string normalised);
  Task<Result<bool>> would_mean(smtp::Address address, smtp::Address alias);
  Task<Result<NameCache::Entry>> lookup(std::string key);

  // Past the cache, for changes.
  Task<Result<std::optional<store::Row>>> row(std::string key);
  struct Standing {  // what a change of a name must find unchanged
    store::Row domain;
    std::optional<store::Row> name;
    std::optional<Name> meaning;
  };
  Task<Result<Standing>> standing(smtp::Address address);
  Task<Result<std::vector<store::Row>>> all_rows(store::Keyspace keyspace, std::string prefix);
  Task<Result<std::vector<Name>>> all_names(std::optional<smtp::Domain> domain);

  // Growth sets refuse_when_full itself. true: written; false: somebody was faster, look again. Forgets `keys` in the cache.
  Task<Result<bool>> commit(store::Batch batch, std::vector<std::string> keys);
};

// Requires the domain's row as it was seen and gives it a new version, so that a domain cannot vanish under a new name.
void touch_domain(store::Batch& batch, const store::Row& domain);
Error overtaken();

}  // namespace godwit::directory
