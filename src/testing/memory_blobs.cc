#include "testing/memory_blobs.h"

#include <algorithm>

namespace godwit::testing {
namespace {

Error disk_full() { return Error::temporary(Error::Cause::full, "the disk is full"); }
Error lost() { return Error::temporary(Error::Cause::io, "the blob was lost in a crash"); }

}  // namespace

class MemoryBlobWriter final : public store::BlobWriter {
 public:
  MemoryBlobWriter(MemoryBlobs& blobs, store::Partition partition, std::uint64_t owner)
      : blobs_(blobs), partition_(partition), owner_(owner), generation_(blobs.generation_) {}

  Task<Result<void>> append(std::string_view chunk) override {
    GODWIT_CHECK(!id_.valid());
    if (generation_ != blobs_.generation_) co_return fail(lost());
    if (blobs_.full_) co_return fail(disk_full());
    bytes_.append(chunk);
    size_ += chunk.size();
    co_return Result<void>{};
  }

  std::uint64_t size() const override { return size_; }

  Task<Result<store::BlobId>> finish() override {
    GODWIT_CHECK(!id_.valid());
    if (generation_ != blobs_.generation_) co_return fail(lost());
    if (blobs_.full_) co_return fail(disk_full());
    id_ = blobs_.add(partition_, owner_, std::move(bytes_));
    co_return id_;
  }

  Task<Result<void>> synced() override {
    GODWIT_CHECK(id_.valid());
    co_await yield_loop();  // a real sync takes a while: others run meanwhile
    co_return co_await blobs_.sync(id_, generation_);
  }

 private:
  MemoryBlobs& blobs_;
  store::Partition partition_;
  std::uint64_t owner_;
  std::uint64_t generation_;
  std::string bytes_;
  std::uint64_t size_ = 0;
  store::BlobId id_;
};

MemoryBlobs::MemoryBlobs(std::uint64_t seed) : random_(seed) {}
MemoryBlobs::~MemoryBlobs() = default;

std::unique_ptr<store::BlobWriter> MemoryBlobs::begin(store::Partition partition, std::uint64_t owner) {
  return std::make_unique<MemoryBlobWriter>(*this, partition, owner);
}

store::BlobId MemoryBlobs::add(store::Partition partition, std::uint64_t owner, std::string bytes) {
  constexpr std::uint32_t kSegment = 64u << 20;
  if (next_offset_ + bytes.size() > kSegment) {
    ++next_segment_;
    next_offset_ = 64;
  }
  const store::BlobId id{partition, next_segment_, next_offset_};
  next_offset_ += static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 1u << 20)) + 48;
  blobs_[id] = Body{std::move(bytes), owner};
  return id;
}

Task<Result<void>> MemoryBlobs::sync(store::BlobId id, std::uint64_t generation) {
  if (generation == generation_ && held_) {
    const bool done = co_await suspend<bool>([&](Resume<bool> resume) { waiters_.push_back({id, std::move(resume)}); });
    if (!done) co_return fail(lost());
  }
  if (generation != generation_) co_return fail(lost());
  if (failing_) co_return fail(Error::temporary(Error::Cause::io, "fdatasync failed"));
  if (const auto found = blobs_.find(id); found != blobs_.end()) found->second.synced = true;
  lost_from_.reset();
  co_return Result<void>{};
}

void MemoryBlobs::hold_syncs(bool held) {
  held_ = held;
  if (held) return;
  for (auto& waiter : std::exchange(waiters_, {})) waiter.resume(true);
}

MemoryBlobs::Place MemoryBlobs::first_unsynced() const {
  Place first = place_of({0, next_segment_, next_offset_});
  for (const auto& [id, body] : blobs_)
    if (!body.synced) first = std::min(first, place_of(id));
  return first;
}

bool MemoryBlobs::was_synced(store::BlobId id) const { return place_of(id) < lost_from_.value_or(first_unsynced()); }

void MemoryBlobs::crash() {
  ++generation_;
  for (auto& waiter : std::exchange(waiters_, {})) waiter.resume(false);
  held_ = false;
  failing_ = false;
  damage_.clear();
  if (!lost_from_) lost_from_ = first_unsynced();
  for (auto it = blobs_.begin(); it != blobs_.end();) {
    Body& body = it->second;
    if (body.synced) {
      ++it;
    } else if ((random_() & 1) != 0) {
      it = blobs_.erase(it);
    } else {
      body.damaged = true;
      body.synced = true;
      damage_.push_back({it->first, body.owner, "memory", "not synced when the power went", false});
      ++it;
    }
  }
}

Result<const MemoryBlobs::Body*> MemoryBlobs::find(store::BlobId id) const {
  const auto found = blobs_.find(id);
  if (found == blobs_.end()) return fail(Error::permanent(Error::Cause::not_found, "no blob " + id.text()));
  if (found->second.damaged) return fail(Error::permanent(Error::Cause::corrupt, "blob " + id.text() + " is damaged"));
  return &found->second;
}

Task<Result<std::string>> MemoryBlobs::read(store::BlobId id, std::uint64_t offset, std::size_t length) {
  co_await yield_loop();
  GODWIT_CO_ASSIGN(const Body* body, find(id));
  co_return offset >= body->bytes.size() ? std::string() : body->bytes.substr(offset, length);
}

Task<Result<std::uint64_t>> MemoryBlobs::size(store::BlobId id) {
  GODWIT_CO_ASSIGN(const Body* body, find(id));
  co_return body->bytes.size();
}

void MemoryBlobs::drop(store::BlobId id) {
  dropped_.push_back(id);
  blobs_.erase(id);
}

void MemoryBlobs::damage_blob(store::BlobId id, bool found) {
  Body& body = blobs_.at(id);
  body.damaged = true;
  if (found) damage_.push_back({id, body.owner, "memory", "check sum does not match", true});
}

Task<Result<std::vector<store::BlobDamage>>> MemoryBlobs::verify() {
  std::vector<store::BlobDamage> out;
  for (const auto& [id, body] : blobs_) {
    if (body.damaged) out.push_back({id, body.owner, "memory", "check sum does not match", true});
  }
  co_return out;
}

std::vector<store::BlobId> MemoryBlobs::ids() const {
  std::vector<store::BlobId> out;
  for (const auto& [id, body] : blobs_) out.push_back(id);
  return out;
}

Task<Result<std::vector<store::BlobId>>> MemoryBlobs::unowned() {
  GODWIT_CHECK(owners_ != nullptr);
  std::vector<store::BlobId> out;
  for (const store::BlobId id : ids()) {
    const auto found = blobs_.find(id);
    if (found == blobs_.end()) continue;
    const std::uint64_t owner = found->second.owner;
    GODWIT_CO_ASSIGN(const bool live, co_await owners_->is_live(id, owner));
    if (!live) out.push_back(id);
  }
  co_return out;
}

}  // namespace godwit::testing
