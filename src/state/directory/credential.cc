#include "state/directory/credential.h"

#include <algorithm>
#include <thread>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/metrics.h"

namespace godwit::directory {
namespace {

Credentials::Limits with_defaults(Credentials::Limits limits) {
  if (limits.at_once == 0) limits.at_once = std::max(1u, std::thread::hardware_concurrency());
  return limits;
}

std::string random_bytes(Random& random, std::size_t length) {
  std::string bytes(length, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

Error too_many_logins() {
  static auto& refused = metrics::counter("godwit_directory_logins_refused_total", "Password checks refused because too many were waiting");
  refused.add();
  return Error::temporary(Error::Cause::limit, "too many password checks are waiting");
}

}  // namespace

// A place among those that run; gives it to the next one at its end.
class Credentials::Slot {
 public:
  explicit Slot(Credentials& owner) : owner_(owner) {}
  ~Slot() { owner_.leave(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  Credentials& owner_;
};

Credentials::Credentials(BlockingPool& pool, Clock& clock, Random& random, Limits limits)
    : pool_(pool),
      clock_(clock),
      limits_(with_defaults(limits)),
      key_(random_bytes(random, 32)),
      dummy_password_(random_bytes(random, 32)) {}

Credentials::~Credentials() = default;

Task<Credentials::Entry> Credentials::enter() {
  co_return co_await suspend<Entry>([this](Resume<Entry> resume) {
    const std::lock_guard lock(mutex_);
    if (running_ < limits_.at_once) {
      ++running_;
      resume(Entry::entered);
    } else if (waiting_.size() < limits_.waiting) {
      waiting_.push_back(std::move(resume));
    } else {
      resume(Entry::refused);
    }
  });
}

void Credentials::leave() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    --running_;
    return;
  }
  waiting_.front()(Entry::entered);
  waiting_.pop_front();
}

Task<Result<std::string>> Credentials::hash(std::string password) {
  if (password.empty()) co_return fail(Error::permanent(Error::Cause::syntax, "an empty password is none"));
  if (password.size() > kMaxPassword) co_return fail(Error::permanent(Error::Cause::limit, "the password is longer than 1,024 bytes"));
  const Entry entry = co_await enter();
  if (entry == Entry::refused) co_return fail(too_many_logins());
  const Slot slot(*this);
  auto work = [secret = std::move(password)] { return crypto::hash_password(secret); };
  co_return co_await pool_.run(std::move(work));
}

Task<Result<bool>> Credentials::verify(std::optional<Secret> secret, std::string password) {
  const bool plausible = secret.has_value() && !password.empty() && password.size() <= kMaxPassword;
  std::string seen;
  if (plausible) {
    seen = digest(secret->account, password);
    if (remembers(*secret, seen)) co_return true;
  }
  const Entry entry = co_await enter();
  if (entry == Entry::refused) co_return fail(too_many_logins());
  const Slot slot(*this);
  auto work = [this, hash = plausible ? secret->hash : std::string(), password = std::move(password)] {
    const std::string& dummy = dummy_hash();  // made by whoever comes first, known user or not
    return crypto::verify_password(password, hash.empty() ? dummy : hash);
  };
  const bool matches = co_await pool_.run(std::move(work));
  {
    const std::lock_guard lock(mutex_);
    ++checks_;
  }
  if (!plausible || !matches) co_return false;
  remember(*secret, std::move(seen));
  co_return true;
}

void Credentials::forget(std::uint32_t account) {
  const std::lock_guard lock(mutex_);
  successes_.erase(account);
}

std::uint64_t Credentials::checks() const {
  const std::lock_guard lock(mutex_);
  return checks_;
}

std::string Credentials::digest(std::uint32_t account, std::string_view password) const {
  std::string bytes;
  append_be32(bytes, account);
  bytes += password;
  return crypto::hmac_sha256(key_, bytes);
}

bool Credentials::remembers(const Secret& secret, std::string_view digest) {
  const std::lock_guard lock(mutex_);
  const auto found = successes_.find(secret.account);
  if (found == successes_.end()) return false;
  if (found->second.version != secret.version || found->second.until <= clock_.steady()) {
    successes_.erase(found);
    return false;
  }
  return crypto::constant_time_equal(found->second.digest, digest);
}

void Credentials::remember(const Secret& secret, std::string digest) {
  const SteadyTime now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (successes_.size() >= limits_.remembered) {
    std::erase_if(successes_, [&](const auto& each) { return each.second.until <= now; });
    if (successes_.size() >= limits_.remembered) successes_.clear();  // costs each account one check
  }
  successes_[secret.account] = Success{std::move(digest), secret.version, now + limits_.remember_for};
}

const std::string& Credentials::dummy_hash() {
  std::call_once(dummy_made_, [this] {
    if (auto made = crypto::hash_password(dummy_password_)) dummy_hash_ = *std::move(made);
  });
  return dummy_hash_;
}

}  // namespace godwit::directory
