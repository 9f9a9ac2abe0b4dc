#pragma once
// Message bytes in memory, for tests of what lies above store::Blobs: ids valid at finish(), durable at synced(), and crash(),
// after which whatever was not synced() is gone or damaged. One loop; no threads.
//
// Stricter than the real one in one way: a blob that was dropped is not_found at once, so that a use after drop shows.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "edge/store/blobs.h"

namespace godwit::testing {

class MemoryBlobs final : public store::Blobs {
 public:
  explicit MemoryBlobs(std::uint64_t seed = 1);
  ~MemoryBlobs() override;

  std::unique_ptr<store::BlobWriter> begin(store::Partition partition, std::uint64_t owner) override;
  Task<Result<std::string>> read(store::BlobId id, std::uint64_t offset, std::size_t length) override;
  Task<Result<std::uint64_t>> size(store::BlobId id) override;
  void drop(store::BlobId id) override;
  bool was_synced(store::BlobId id) const override;  // as a sync mark would say: nothing before it was unsynced
  void set_owners(store::BlobOwners* owners) override { owners_ = owners; }
  const std::vector<store::BlobDamage>& damage() const override { return damage_; }
  Task<Result<std::vector<store::BlobDamage>>> verify() override;
  bool full() const override { return full_; }

  // While set, begin()ned writers answer `full` to append() and finish().
  void set_full(bool full) { full_ = full; }
  // While held, synced() waits; letting go makes everything finished durable.
  void hold_syncs(bool held);
  // From now on each synced() fails (a lost disk); false: works again.
  void fail_syncs(bool failing) { failing_ = failing; }
  // Power cut and restart: what was not synced() is gone, or (at random) reads as corrupt and is in damage().
  // Waiting synced() calls fail; writers from before are dead.
  void crash();
  // A flipped bit: read() answers `corrupt` from now on. `found`: by recovery, so that it is in damage().
  void damage_blob(store::BlobId id, bool found = false);

  bool contains(store::BlobId id) const { return blobs_.contains(id); }
  std::vector<store::BlobId> ids() const;                                 // what is there, finished and not dropped
  const std::vector<store::BlobId>& dropped() const { return dropped_; }  // in order of drop()
  // Those that are there although set_owners()'s object says that nobody needs them: leaks.
  Task<Result<std::vector<store::BlobId>>> unowned();

 private:
  friend class MemoryBlobWriter;
  struct Body {
    std::string bytes;
    std::uint64_t owner = 0;
    bool synced = false;
    bool damaged = false;
  };
  struct Waiter {
    store::BlobId id;
    Resume<bool> resume;
  };
  using Place = std::pair<std::uint32_t, std::uint32_t>;  // segment, offset
  static Place place_of(store::BlobId id) { return {id.segment, id.offset}; }
  Result<const Body*> find(store::BlobId id) const;
  Place first_unsynced() const;
  store::BlobId add(store::Partition partition, std::uint64_t owner, std::string bytes);
  Task<Result<void>> sync(store::BlobId id, std::uint64_t generation);

  std::map<store::BlobId, Body> blobs_;
  std::vector<store::BlobId> dropped_;
  std::vector<Waiter> waiters_;
  std::vector<store::BlobDamage> damage_;
  store::BlobOwners* owners_ = nullptr;
  std::mt19937_64 random_;
  std::uint64_t generation_ = 1;
  std::optional<Place> lost_from_;  // where the last crash began to take; nothing has been synced since
  std::uint32_t next_segment_ = 1;
  std::uint32_t next_offset_ = 64;
  bool full_ = false;
  bool held_ = false;
  bool failing_ = false;
};

}  // namespace godwit::testing
