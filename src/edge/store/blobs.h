#pragma once
// Message bytes: immutable, written once into append-only segment files with a group sync of their own.
//
// A BlobWriter takes one body while it arrives; finish() gives the id while the bytes are still on their way, and synced()
// waits until they are on stable storage, so that the row that names the id can be written side by side (the queue's accept
// alone may do that; everybody else awaits synced() first). docs/formats/segments.md describes the files.
//
// Any thread may call Blobs; a BlobWriter belongs to one coroutine. Bodies up to 64 KiB also stay in a bounded RAM pool
// until they are dropped or pushed out, so that a first delivery reads no disk.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "edge/store/engine.h"

namespace godwit::store {

// Partition that wrote it, segment and offset of its first writing: never reused, kept for ever as its name even when
// compaction moves the bytes. Text: hex of the 12 bytes. on disk: do not change.
struct BlobId {
  Partition partition = 0;
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;

  auto operator<=>(const BlobId&) const = default;
  bool valid() const { return segment != 0; }  // segments count from 1
  std::string key() const;                     // 12 bytes big-endian, for rows
  std::string text() const;
};
Result<BlobId> parse_blob_key(std::string_view key);

// One body being written. Destroying it before finish() abandons what was appended. Until it is destroyed the bytes are
// pinned: keep it until a row names the blob (or nobody wants it), then let go of it.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // Waits while the writer's queue is full, so memory stays bounded. `full` when the disk is.
  virtual Task<Result<void>> append(std::string_view chunk) = 0;
  virtual std::uint64_t size() const = 0;
  // Hands over the rest. The id is valid now; the bytes are durable after synced().
  virtual Task<Result<BlobId>> finish() = 0;
  virtual Task<Result<void>> synced() = 0;
};

// Who still needs a blob: implemented above the store (state/queue/blob_owners.h), asked before a segment is recycled.
class BlobOwners {
 public:
  virtual ~BlobOwners() = default;
  // `owner` is what begin() was given (the message id of the queue, or 0).
  virtual Task<Result<bool>> is_live(BlobId id, std::uint64_t owner) = 0;
};

struct BlobDamage {
  BlobId id;  // valid() if the header could still be read
  std::uint64_t owner = 0;
  std::string where;  // file and offset
  std::string what;
  bool acknowledged = false;  // below the highest sync mark: somebody was told that it is kept
};

class Blobs {
 public:
  virtual ~Blobs() = default;

  // `owner`: the queued message that will name it, so that recycling can look up its row; 0 for none.
  virtual std::unique_ptr<BlobWriter> begin(Partition partition, std::uint64_t owner) = 0;

  // Reads up to `length` bytes from `offset`; short only at the end of the body. `corrupt` when a check sum fails
  // (that message alone is affected), `not_found` when no such blob is there.
  virtual Task<Result<std::string>> read(BlobId id, std::uint64_t offset, std::size_t length) = 0;
  virtual Task<Result<std::uint64_t>> size(BlobId id) = 0;

  // The last reference's erasure has been written (durable or lazy): the bytes may go. Returns at once; the segment is
  // recycled when nothing in it is live, nothing pins it and the erasure is covered by a sync.
  virtual void drop(BlobId id) = 0;

  // Who is asked before recycling and compaction; set once after the state is open.
  virtual void set_owners(BlobOwners* owners) = 0;

  // Of what was written before this start: a sync mark proves that the blob's bytes were on stable storage. Else they may have
  // been on their way when the power went; what is missing of them then was never acknowledged. Of what this run writes: false.
  virtual bool was_synced(BlobId id) const = 0;
  // What recovery found at the start, oldest first.
  virtual const std::vector<BlobDamage>& damage() const = 0;
  // Reads every record and reports what does not verify. For `store verify`.
  virtual Task<Result<std::vector<BlobDamage>>> verify() = 0;
  virtual bool full() const = 0;
};

// Streams a body in pieces of up to 64 KiB into `sink`; stops at the first error of either.
Task<Result<void>> copy_blob(Blobs& blobs, BlobId id, std::function<Task<Result<void>>(std::string_view)> sink);

}  // namespace godwit::store
