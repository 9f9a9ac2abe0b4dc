#pragma once
// What the parts of the queue share: queue.cc (writes), queue_open.cc (the start), queue_read.cc (scans). Private to the module.

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "edge/net/task_group.h"
#include "state/queue/crash_note.h"
#include "state/queue/id_floor.h"
#include "state/queue/queue.h"
#include "state/queue/record.h"

namespace godwit::queue {

inline constexpr std::string_view kLease = "queue";               // on disk: do not change (docs/formats/queue.md)
inline constexpr std::string_view kSettledKey = "queue/settled";  // on disk: do not change (docs/formats/queue.md)

struct ShardState {
  std::mutex mutex;
  std::vector<std::uint64_t> in_accept;
  std::atomic<bool> used{false};
};

struct Queue::Impl {
  Impl(store::Engine& e, store::Blobs& b, Clock& c) : engine(e), blobs(b), clock(c), floor(e, c) {}

  store::Engine& engine;
  store::Blobs& blobs;
  Clock& clock;
  IdFloor floor;
  std::vector<MessageIdSource> sources;
  std::uint64_t epoch = 0;
  WallTime first_id{};        // no id of this run is older, every id of an earlier one is
  WallTime settled_before{};  // every message with an older id has been looked at by a start that ended
  std::array<ShardState, kShards> shards;
  std::unique_ptr<CrashNote> crash_note;
  net::TaskGroup row_writes;

  std::deque<Catalogue> catalogues;  // of each loop
  Catalogue& catalogue_of(MessageId id) { return catalogues[id.shard() % catalogues.size()]; }

  mutable std::mutex rules_mutex;
  std::shared_ptr<const Rules> rules = std::make_shared<const Rules>();
  std::atomic<std::uint64_t> rules_version{0};
  std::uint64_t next_rule = 1;

  std::atomic<std::int64_t> messages{0};
  std::atomic<std::int64_t> recipients{0};
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> bytes{0};

  // A batch of a shard: fenced by our epoch.
  store::Batch batch(store::Batch::Durability durability) const;
  void count(std::int64_t message, std::int64_t pending, std::int64_t holds, std::int64_t size);
  bool in_accept(MessageId id);

  // queue.cc
  Task<Result<void>> keep(const Message& message, store::BlobWriter& body);
  Task<store::WriteDone> write_fresh(MessageId id, std::vector<std::pair<std::string, std::string>> pages, std::string record);
  Task<store::WriteDone> write_held(MessageId id, std::string record, std::string index);
  Task<Result<void>> take_back(const Message& message);
  Task<store::WriteDone> put_owners(store::Batch& rows, MessageId id, std::vector<Handover> owners);
  void erase_rows(store::Batch& rows, MessageId id, const Message::Rows& where) const;
  Task<store::WriteDone> write_waiting(Message& message, Message::Rows before, std::vector<Handover> owners,
                                       store::Batch::Durability durability);

  // queue_read.cc: messages of one keyspace in order, and the pages of a record.
  Task<Result<std::vector<Message>>> scan(store::View& view, store::Keyspace keyspace, std::optional<MessageId> after, std::size_t limit);
  Task<Result<std::optional<Message>>> load(store::View& view, MessageId id);

  // queue_fill.cc
  Task<Result<void>> fill_shard(Shard shard, store::Keyspace keyspace, const std::function<bool()>& stop);
  Task<Result<void>> fill_one(MessageId id);
  Task<> fill_by_index(Shard shard, const std::function<bool()>& stop);

  // queue_rules.cc
  Task<Result<void>> read_rules();
  void set_rules(std::vector<Rule> all);

  // queue_open.cc
  struct Suspect {
    MessageId id;
    bool missing = false;  // else damaged
    std::string why;
  };
  struct Found {
    std::vector<Suspect> suspects;
    std::vector<MessageId> unproven;  // whose accept a power cut may have torn, and others to be looked at
    std::size_t proven = 0;           // fresh ones that it cannot have
  };
  Task<Result<void>> begin_epoch(std::size_t loops);
  Task<Result<void>> note_settled();
  bool may_be_torn(MessageId id, store::BlobId blob) const;
  Task<Result<void>> claim(Shard shard);
  Task<Result<void>> recover_shard(Shard shard, bool is_loops, Found& found);
  Task<Result<void>> recover_fresh(Shard shard, const std::vector<store::Row>& rows, Found& found);
  Task<Result<void>> examine(const Message& message, Found& found);
  Task<Result<void>> erase_leftovers(MessageId id, store::Keyspace keyspace);
  Task<Result<bool>> count_waiting(Shard shard, Found& found);
  Task<Result<void>> examine_unproven(Found& found);
  Task<Result<void>> remove_unacknowledged(const Message& message, std::string_view why);
};

}  // namespace godwit::queue
