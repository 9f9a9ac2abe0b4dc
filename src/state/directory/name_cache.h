#pragma once
// What the directory's rows said, in memory: the answer of a RCPT without a visit to the store.
//
// Keeps the presence of domains and the meaning of names, also of names that do not exist, by row key. Bounded in bytes; the
// least recently used goes first. A change forgets its keys before it is answered; a reader that began before the change cannot
// put the old answer back (generation). Any thread; a lookup takes one short mutex of sixteen.

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "state/directory/record.h"

namespace godwit::directory {

class NameCache {
 public:
  using Value = std::shared_ptr<const Name>;  // null: no such row (or, for a domain's row, nothing more to say)
  struct Entry {
    bool present = false;
    Value name;
  };

  explicit NameCache(std::size_t max_bytes) : max_shard_bytes_(max_bytes / kCacheShards) {}

  std::optional<Entry> find(std::string_view key);

  // Take it before reading the row, give it to put().
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  void put(std::string key, Entry entry, std::uint64_t generation);

  // After the change has been written.
  void forget(const std::vector<std::string>& keys);

  std::size_t bytes() const;

 private:
  static constexpr std::size_t kCacheShards = 16;
  struct Node {
    std::string key;
    Entry entry;
    std::size_t weight = 0;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Node> recent;  // most recently used first
    std::unordered_map<std::string_view, std::list<Node>::iterator> index;
    std::size_t bytes = 0;
  };
  Shard& shard(std::string_view key);
  static void drop(Shard& shard, std::list<Node>::iterator node);

  std::size_t max_shard_bytes_;
  std::atomic<std::uint64_t> generation_{0};
  mutable std::array<Shard, kCacheShards> shards_;
};

}  // namespace godwit::directory
