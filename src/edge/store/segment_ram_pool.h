#pragma once
// Bodies kept in memory, so that a first delivery (or the next piece of a long body) reads no disk. Bounded in bytes; the oldest go first.
// Internal to the segment store. Any thread.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "edge/store/blobs.h"

namespace godwit::store {

class SegmentRamPool {
 public:
  using Body = std::shared_ptr<const std::string>;

  explicit SegmentRamPool(std::size_t bytes) : budget_(bytes) {}

  void add(BlobId id, Body body);
  Body find(BlobId id) const;  // null when it is not there
  // Lets go of it; its size if it was there.
  std::optional<std::size_t> take(BlobId id);
  std::size_t bytes() const;

 private:
  struct Hash {
    std::size_t operator()(const BlobId& id) const noexcept {
      return ((std::uint64_t{id.segment} << 32 | id.offset) ^ std::uint64_t{id.partition} << 20) * 0x9e3779b97f4a7c15u;
    }
  };
  struct Entry {
    Body body;
    std::list<BlobId>::iterator place;
  };
  using Entries = std::unordered_map<BlobId, Entry, Hash>;
  Body remove(Entries::iterator entry);

  mutable std::mutex mutex_;
  const std::size_t budget_;
  std::size_t bytes_ = 0;
  std::list<BlobId> order_;  // oldest first
  Entries entries_;
};

}  // namespace godwit::store
