#pragma once
// The durable queue: what was accepted and is not yet delivered or returned. Rows only; who is due and how is the scheduler's.
//
// A fresh message is one row (keyspace fresh) and one delete. What the first attempt leaves over moves in one batch to `waiting`
// (message record, recipient pages of 16) and `due`. docs/formats/rows.md. Shard s belongs to loop s % loops; accept() on
// loop l uses shard l. Functions that take a message run on its shard's loop (admin calls may come from any: they post over).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "edge/store/blobs.h"
#include "edge/store/engine.h"
#include "state/queue/message.h"

namespace godwit::queue {

struct DueEntry {
  WallTime due{};
  MessageId id;
};

// A reference that takes over from the queue's own when its row goes: put into blob_refs in the same batch.
struct Handover {
  std::string blob_ref_key;
};

class Queue {
 public:
  Queue(store::Engine& engine, store::Blobs& blobs, Clock& clock);
  ~Queue();

  // Before anything else: leases and epochs of all shards, the id floor, garbage of unfinished accepts, messages whose bytes
  // a power cut took (never acknowledged; logged). `loops` decides who owns which shard.
  Task<Result<void>> open(std::size_t loops);

  MessageId next_id(std::size_t loop);
  static store::Partition partition_of(MessageId id) { return store::kFirstShardPartition + id.shard(); }

  // THE commit point: writes recipient pages (if more than 16), then the row, side by side with the bytes' sync.
  // When it returns, the message is on stable storage. `body` is finished. `full`: 452.
  Task<Result<void>> accept(const Message& message, store::BlobWriter& body);

  // Fresh messages of a shard with an id above `after`, at most `limit`; only ids whose accept has ended.
  Task<Result<std::vector<Message>>> fresh(Shard shard, std::optional<MessageId> after, std::size_t limit);
  // Due entries of a shard up to `until`, in order; and the moment of the first one after that.
  struct Due { std::vector<DueEntry> entries; std::optional<WallTime> next; };
  Task<Result<Due>> due(Shard shard, WallTime until, std::size_t limit);
  Task<Result<std::optional<Message>>> load(MessageId id);

  // All recipients are done: erases the message, hands its blob over to `owners` (or drops it). One lazy batch.
  Task<Result<void>> complete(const Message& message, std::vector<Handover> owners);
  // Some are left: the message's new state (recipients done so far with their handovers, next attempts, hold). Durable unless `lazy`.
  Task<Result<void>> update(const Message& message, std::vector<Handover> owners, bool lazy = false);

  struct Totals { std::uint64_t messages = 0; std::uint64_t recipients = 0; std::uint64_t held = 0; std::uint64_t bytes = 0; };
  Totals totals() const;  // kept in memory, counted at open()

  // For listings: every message, fresh and waiting, in order of id, a page at a time.
  Task<Result<std::vector<Message>>> list(std::optional<MessageId> after, std::size_t limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::queue
