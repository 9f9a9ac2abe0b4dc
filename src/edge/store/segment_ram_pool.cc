#include "edge/store/segment_ram_pool.h"

#include <vector>

namespace godwit::store {
namespace {

constexpr std::size_t kOverhead = 160;  // of an entry, about

std::size_t cost(const std::string& body) { return body.capacity() + kOverhead; }

}  // namespace

SegmentRamPool::Body SegmentRamPool::remove(Entries::iterator entry) {
  Body body = std::move(entry->second.body);
  bytes_ -= cost(*body);
  order_.erase(entry->second.place);
  entries_.erase(entry);
  return body;
}

void SegmentRamPool::add(BlobId id, Body body) {
  std::vector<Body> pushed_out;  // freed after the lock is let go
  const std::size_t size = cost(*body);
  if (size > budget_) return;
  const std::lock_guard lock(mutex_);
  if (entries_.contains(id)) return;
  while (bytes_ + size > budget_) pushed_out.push_back(remove(entries_.find(order_.front())));
  order_.push_back(id);
  bytes_ += size;
  entries_.emplace(id, Entry{std::move(body), std::prev(order_.end())});
}

SegmentRamPool::Body SegmentRamPool::find(BlobId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.body;
}

std::optional<std::size_t> SegmentRamPool::take(BlobId id) {
  Body body;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  body = remove(found);
  return body->size();
}

std::size_t SegmentRamPool::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace godwit::store
