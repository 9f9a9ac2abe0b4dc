#pragma once
// How many connections there may be: in all, and from one address (an IPv6 /64 counts as one). Shared by all listeners.
// Who is exempt has no limit per address, and a reserve beyond the limit in all that nobody else can take.
//
// Any thread; an address touches one of 16 locks. Outlives its tickets.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <mutex>
#include <unordered_map>

#include "base/ip.h"

namespace godwit::net {

class ConnectionLimits {
 public:
  ConnectionLimits(std::size_t in_all, std::size_t per_address) : in_all_(in_all), per_address_(per_address) {}

  // From a reload on; connections that are open stay.
  void set(std::size_t in_all, std::size_t per_address);

  // A connection's place, given back by the destructor.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    friend class ConnectionLimits;
    Ticket(ConnectionLimits* owner, std::uint64_t key) : owner_(owner), key_(key) {}
    ConnectionLimits* owner_;
    std::uint64_t key_;
  };

  enum class Refusal : std::uint8_t {
    in_all,       // the server is full
    per_address,  // this peer has too many
  };
  // `exempt`: no limit per address, and in all as many more as reserve().
  std::expected<Ticket, Refusal> admit(const IpAddress& address, bool exempt);

  // A tenth of the limit in all, at least 10: with every place taken, an operator and an allowed peer still get in.
  std::size_t reserve() const { return std::max<std::size_t>(in_all_.load(std::memory_order_relaxed) / 10, 10); }
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  // Three quarters of all places are taken: who says nothing is let go sooner.
  bool under_load() const { return open() >= in_all_.load(std::memory_order_relaxed) / 4 * 3; }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::size_t> counts;
  };
  static std::uint64_t key_of(const IpAddress& address);
  Shard& shard(std::uint64_t key) { return shards_[key * 0x9e3779b97f4a7c15u >> 60]; }
  void leave(std::uint64_t key);

  std::atomic<std::size_t> in_all_;
  std::atomic<std::size_t> per_address_;
  std::atomic<std::size_t> open_{0};
  std::array<Shard, 16> shards_;
};

// What a person is told of it: what is wrong and what to do.
std::string_view to_sentence(ConnectionLimits::Refusal refusal);

}  // namespace godwit::net
