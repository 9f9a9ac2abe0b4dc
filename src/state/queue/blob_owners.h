#pragma once
// Who still needs a blob, from the rows: a queued message (fresh or waiting) or a reference (keyspace blob_refs).
// Asked by the store before a segment is recycled; set with Blobs::set_owners() once the state is open. Any thread.

#include "edge/store/blobs.h"
#include "edge/store/engine.h"

namespace godwit::queue {

class BlobOwners final : public store::BlobOwners {
 public:
  explicit BlobOwners(store::Engine& engine) : engine_(engine) {}

  // Live: the message `owner` still has its row, or some row of blob_refs in the blob's partition names it. An error says
  // nothing about it: the caller keeps the blob.
  Task<Result<bool>> is_live(store::BlobId id, std::uint64_t owner) override;

 private:
  store::Engine& engine_;
};

}  // namespace godwit::queue
