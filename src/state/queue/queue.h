#pragma once
// The durable queue: what was accepted and is not yet delivered or returned. Rows only; who is due and how is the scheduler's.
//
// A fresh message is one row (keyspace fresh) and one delete. What the first attempt leaves over moves in one batch to `waiting`
// (message record, recipient pages of 16) and `due`. docs/formats/queue.md. Shard s belongs to loop s % loops; accept() on
// loop l uses shard l. Functions that take a message run on its shard's loop (admin calls may come from any: they post over);
// totals(), list() and load() may be called from any loop. One message is worked on by one coroutine at a time.
//
// Errors: `full` (nothing was written, try later), otherwise the store failed and the process is about to end. Whatever
// the error, nothing has changed, but where a function says so. Owned by the application; outlives the loops.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "edge/store/blobs.h"
#include "edge/store/engine.h"
#include "state/queue/catalogue.h"
#include "state/queue/message.h"
#include "state/queue/rules.h"

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

  // Before anything else: the epoch, leases of the shards in use, the id floor, garbage of unfinished accepts, messages whose
  // bytes a power cut took (never acknowledged; logged by name). A message whose acknowledged bytes are damaged is held.
  // `loops` decides who owns which shard. `crash_note`: the file of crash_note.h; empty: none is kept.
  Task<Result<void>> open(std::size_t loops, std::filesystem::path crash_note = {});
  // Shards that have messages, and those of the loops.
  std::vector<Shard> used_shards() const;

  // Greater than every id of the loop before, in this run and in earlier ones, even if the clock stepped back; always below
  // the durable floor. On the loop's thread.
  MessageId next_id(std::size_t loop);
  // Raises the floor when it comes near (one durable write about every 30 s). The scheduler calls it every 15 s; accept()
  // does it as well when nobody has.
  Task<Result<void>> renew_id_floor();
  static store::Partition partition_of(MessageId id) { return store::kFirstShardPartition + id.shard(); }

  // THE commit point: writes recipient pages (if more than 16), then the row, side by side with the bytes' sync. A message that is
  // held already is not fresh: its record and index row go to `waiting` at once (with more than 16 recipients by the scheduler).
  // When it returns, the message is on stable storage. `body` is finished. `full`: 452. After an error nothing is kept: what
  // had been written is erased durably first, and the blob dropped.
  // Sets message.rows; a message that a rule holds (Rules::holds_new()) is held.
  Task<Result<void>> accept(Message& message, store::BlobWriter& body);

  // Fresh messages of a shard with an id above `after`, at most `limit`; ids still in accept() are passed over (their
  // accept's end is told to the scheduler). Fewer than `limit`: there are no more.
  Task<Result<std::vector<Message>>> fresh(Shard shard, std::optional<MessageId> after, std::size_t limit);
  // Due entries of a shard behind `after` and up to `until`, in order, at most `limit`; and the moment of the first one after
  // the last of them. What is held is not due.
  struct Due {
    std::vector<DueEntry> entries;
    std::optional<WallTime> next;
  };
  Task<Result<Due>> due(Shard shard, WallTime until, std::size_t limit, std::optional<DueEntry> after = std::nullopt);
  Task<Result<std::optional<Message>>> load(MessageId id);

  // All recipients are done: erases the message, hands its blob over to `owners` (or drops it). One lazy batch.
  Task<Result<void>> complete(const Message& message, std::vector<Handover> owners);
  // Some are left: the message's new state (recipients done so far with their handovers, next attempts, hold). Durable unless
  // `lazy`. Rewrites the pages that have changed; keeps message.rows. A message whose state does not fit into one batch (1 MiB,
  // more than about 500 recipients with long replies) is written in several, its handovers in the first, its due time in the last.
  Task<Result<void>> update(Message& message, std::vector<Handover> owners, bool lazy = false);
  // Returns when every completion and update before is on stable storage.
  Task<Result<void>> sync();

  struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0;  // pending
    std::uint64_t held = 0;
    std::uint64_t bytes = 0;
  };
  Totals totals() const;  // kept in memory, counted at open()

  // What is queued, by heart, of the shards s with s % loops() == loop; on that loop alone. Complete when fill() has ended.
  Catalogue& catalogue(std::size_t loop);
  const Catalogue& catalogue(std::size_t loop) const;
  std::size_t loops() const;
  // Reads the rows into the catalogue of a loop, on that loop, once after open(), in pages; whoever listens hears of every message.
  // Tries again after an error; what is damaged for good has no card, and is logged. Ends early when `stop` says so.
  Task<> fill(std::size_t loop, std::function<bool()> stop);

  // What the administrator has laid down; any thread. The version grows with each change.
  std::shared_ptr<const Rules> rules() const;
  std::uint64_t rules_version() const;
  // Durable when they return; any loop. add_rule() gives the rule its number; remove_rule(): false: there is none.
  Task<Result<Rule>> add_rule(Rule rule);
  Task<Result<bool>> remove_rule(std::uint64_t number);

  // For listings: every message, fresh and waiting, in order of id, a page at a time.
  Task<Result<std::vector<Message>>> list(std::optional<MessageId> after, std::size_t limit);

 private:
  struct Impl;

  Task<Result<void>> settle_damage();
  Task<Result<void>> settle_crash(std::filesystem::path file);
  Task<Result<void>> hold_at_start(Message message, std::string why);

  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::queue
