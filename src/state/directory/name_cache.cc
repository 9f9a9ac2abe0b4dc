#include "state/directory/name_cache.h"

#include <functional>

namespace godwit::directory {
namespace {

std::size_t weight_of(std::string_view key, const NameCache::Entry& entry) {
  constexpr std::size_t kNode = 160;
  constexpr std::size_t kAddress = 96;
  std::size_t weight = kNode + key.size();
  if (!entry.name) return weight;
  weight += kAddress;
  if (const auto* alias = std::get_if<Alias>(entry.name.get())) weight += alias->targets.size() * kAddress;
  return weight;
}

}  // namespace

NameCache::Shard& NameCache::shard(std::string_view key) { return shards_[std::hash<std::string_view>()(key) % kCacheShards]; }

std::optional<NameCache::Entry> NameCache::find(std::string_view key) {
  Shard& home = shard(key);
  const std::lock_guard lock(home.mutex);
  const auto found = home.index.find(key);
  if (found == home.index.end()) return std::nullopt;
  home.recent.splice(home.recent.begin(), home.recent, found->second);
  return found->second->entry;
}

void NameCache::put(std::string key, Entry entry, std::uint64_t generation) {
  Shard& home = shard(key);
  const std::lock_guard lock(home.mutex);
  if (generation != this->generation()) return;  // something changed since the row was read
  if (const auto found = home.index.find(key); found != home.index.end()) drop(home, found->second);
  const std::size_t weight = weight_of(key, entry);
  home.recent.push_front(Node{std::move(key), std::move(entry), weight});
  home.index.emplace(home.recent.front().key, home.recent.begin());
  home.bytes += weight;
  while (home.bytes > max_shard_bytes_ && home.recent.size() > 1) drop(home, std::prev(home.recent.end()));
}

void NameCache::forget(const std::vector<std::string>& keys) {
  generation_.fetch_add(1, std::memory_order_acq_rel);
  for (const auto& key : keys) {
    Shard& home = shard(key);
    const std::lock_guard lock(home.mutex);
    if (const auto found = home.index.find(key); found != home.index.end()) drop(home, found->second);
  }
}

std::size_t NameCache::bytes() const {
  std::size_t sum = 0;
  for (auto& each : shards_) {
    const std::lock_guard lock(each.mutex);
    sum += each.bytes;
  }
  return sum;
}

void NameCache::drop(Shard& shard, std::list<Node>::iterator node) {
  shard.bytes -= node->weight;
  shard.index.erase(node->key);
  shard.recent.erase(node);
}

}  // namespace godwit::directory
