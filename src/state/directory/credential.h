#pragma once
// Passwords: hashing and checking off the loop, a few at a time, and remembering what was right a moment ago.
//
// argon2id takes 14 ms and 19 MiB, so at most `at_once` run on the blocking pool and at most `waiting` more wait; then the
// answer is `limit` (temporary). A success is remembered for ten minutes as an HMAC under a key that exists in this process
// alone, together with the version of the credential's row: a changed password is forgotten by itself. Any thread.

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "edge/store/engine.h"

namespace godwit::directory {

struct Secret {  // what the store knows of an account's password
  std::uint32_t account = 0;
  store::RowVersion version = 0;
  std::string hash;
};

class Credentials {
 public:
  struct Limits {
    std::size_t at_once = 0;  // 0 = one per core
    std::size_t waiting = 256;
    std::size_t remembered = 100'000;  // accounts
    Duration remember_for = std::chrono::minutes(10);
  };
  static constexpr std::size_t kMaxPassword = 1'024;  // as sasl::kMaxPassword

  Credentials(BlockingPool& pool, Clock& clock, Random& random, Limits limits);
  ~Credentials();

  Task<Result<std::string>> hash(std::string password);
  // `secret` is nothing for an unknown user: costs the same and is false.
  Task<Result<bool>> verify(std::optional<Secret> secret, std::string password);
  void forget(std::uint32_t account);

  std::uint64_t checks() const;  // that argon2 had to make, for tests and metrics

 private:
  class Slot;
  struct Success {
    std::string digest;
    store::RowVersion version = 0;
    SteadyTime until{};
  };
  enum class Entry : std::uint8_t { entered, refused };

  Task<Entry> enter();
  void leave();
  std::string digest(std::uint32_t account, std::string_view password) const;
  bool remembers(const Secret& secret, std::string_view digest);
  void remember(const Secret& secret, std::string digest);
  const std::string& dummy_hash();

  BlockingPool& pool_;
  Clock& clock_;
  const Limits limits_;
  std::string key_;  // of the HMAC
  std::string dummy_password_;
  std::once_flag dummy_made_;
  std::string dummy_hash_;

  mutable std::mutex mutex_;
  std::size_t running_ = 0;
  std::deque<Resume<Entry>> waiting_;
  std::unordered_map<std::uint32_t, Success> successes_;
  std::uint64_t checks_ = 0;
};

}  // namespace godwit::directory
