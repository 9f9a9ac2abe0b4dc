#pragma once
// Rows: ordered keys in partitions, snapshot reads, atomic batches with durable group commit.
//
// Everything the server knows, apart from message bytes (blobs.h), lives in rows. A partition is the unit of placement
// and order: a batch touches one partition and is atomic; after a crash a partition is a prefix of its writes; a durable
// write makes all earlier ones of its partition durable. Engines: RocksDB (rocksdb_engine.h), memory (testing/memory_engine.h);
// edge/store/engine_conformance.h is the suite that each must pass.
//
// Any thread may call; coroutines resume on their own loop. An engine outlives its views.
// Limits (every engine keeps them, GODWIT_CHECKed): key 1 KiB, value 64 KiB, batch 1 MiB.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace godwit::store {

// on disk: do not change (docs/formats/rows.md). 0 = the server itself, 1 = directory, 2..1023 reserved,
// 1024 + shard = queue shards, 65536 + n = account n.
using Partition = std::uint32_t;
inline constexpr Partition kServerPartition = 0;
inline constexpr Partition kDirectoryPartition = 1;
inline constexpr Partition kFirstShardPartition = 1024;
inline constexpr Partition kFirstAccountPartition = 65'536;

// on disk: do not change; a RocksDB column family each, named as here.
enum class Keyspace : std::uint8_t {
  server,     // id floor, leases, format version
  directory,  // domains, accounts, aliases, credentials
  fresh,      // queued messages before their first attempt: message id
  waiting,    // messages, recipient pages after the first attempt
  due,        // index of waiting messages by due time
  delivered,  // message id | recipient: local delivery is done
  blob_refs,  // blob id | owner; and where a moved blob lies now
  mailbox,    // everything of an account
  outbox,     // entries to be applied in another partition
  trace,      // index of the trace segments
};
inline constexpr std::size_t kKeyspaces = 10;
std::string_view to_string(Keyspace keyspace);

using RowVersion = std::uint64_t;  // given by the engine at each put; never 0, grows with time within a partition

struct Row {
  std::string key;
  std::string value;
  RowVersion version = 0;
};

struct Page {
  std::vector<Row> rows;
  std::optional<std::string> next;  // where to resume: the `from` of the next scan (reverse: its `to`); nothing = complete
};

struct ScanLimit {
  std::size_t rows = 1'000;
  std::size_t bytes = 1 << 20;
};
enum class Direction : std::uint8_t { forward, reverse };

// A snapshot of one partition. Short-lived: seconds, not minutes.
class View {
 public:
  virtual ~View() = default;
  virtual Task<Result<std::optional<Row>>> get(Keyspace keyspace, std::string key) = 0;
  // Rows with from <= key < to (an empty `to` is no bound); reverse starts below `to`.
  virtual Task<Result<Page>> scan(Keyspace keyspace, std::string from, std::string to, ScanLimit limit = {},
                                  Direction direction = Direction::forward) = 0;
};

// What a write does, in order; applied whole or not at all.
class Batch {
 public:
  struct Put {
    Keyspace keyspace;
    std::string key;
    std::string value;
  };
  struct Erase {
    Keyspace keyspace;
    std::string key;
  };
  struct EraseRange {
    Keyspace keyspace;
    std::string from;
    std::string to;
  };
  struct Add {
    Keyspace keyspace;
    std::string key;
    std::int64_t delta;
  };  // value: 8 bytes big-endian, two's complement
  struct Require {
    Keyspace keyspace;
    std::string key;
    std::optional<RowVersion> version;
  };  // nothing = the row must be absent
  struct Fence {
    std::string lease;
    std::uint64_t epoch;
  };  // the lease row of this partition must hold this epoch
  using Operation = std::variant<Put, Erase, EraseRange, Add, Require, Fence>;

  void put(Keyspace keyspace, std::string key, std::string value) { add_operation(Put{keyspace, std::move(key), std::move(value)}); }
  void erase(Keyspace keyspace, std::string key) { add_operation(Erase{keyspace, std::move(key)}); }
  void erase_range(Keyspace keyspace, std::string from, std::string to) {
    add_operation(EraseRange{keyspace, std::move(from), std::move(to)});
  }
  // The sum after the write is in WriteDone::sums, in the order of the add()s. An absent row counts as 0.
  void add(Keyspace keyspace, std::string key, std::int64_t delta) { add_operation(Add{keyspace, std::move(key), delta}); }
  void require(Keyspace keyspace, std::string key, std::optional<RowVersion> version) {
    add_operation(Require{keyspace, std::move(key), version});
  }
  void require_absent(Keyspace keyspace, std::string key) { require(keyspace, std::move(key), std::nullopt); }
  void fence(std::string lease, std::uint64_t epoch) { add_operation(Fence{std::move(lease), epoch}); }

  // durable: write() returns after the sync that covers it. lazy: handed to the operating system at once
  // (survives kill -9), synced with the next group or within 100 ms.
  enum class Durability : std::uint8_t { durable, lazy };
  Durability durability = Durability::durable;
  // New mail and other growth may be refused with `full`; deliveries and deletions must go on.
  bool refuse_when_full = false;

  const std::vector<Operation>& operations() const { return operations_; }
  std::size_t bytes() const { return bytes_; }  // keys and values, for the limit of 1 MiB
  bool empty() const { return operations_.empty(); }

 private:
  void add_operation(Operation operation);

  std::vector<Operation> operations_;
  std::size_t bytes_ = 0;
};

inline constexpr std::size_t kMaxKey = 1'024;
inline constexpr std::size_t kMaxValue = 64 * 1024;
inline constexpr std::size_t kMaxBatch = 1 << 20;
// For engines: GODWIT_CHECKs the limits; who breaks them has a bug that a distributed engine would show much later.
void check_limits(const Batch& batch);

enum class WriteOutcome : std::uint8_t {
  ok,
  conflict,  // a require did not hold; nothing was written
  fenced,    // the lease has moved on; nothing was written
  full,      // the disk is (nearly) full; nothing was written
  unknown,   // the engine failed under way: may have been applied; the process is about to end
};
std::string_view to_string(WriteOutcome outcome);

struct WriteDone {
  WriteOutcome outcome = WriteOutcome::unknown;
  std::vector<std::int64_t> sums;
  RowVersion version = 0;  // of the rows that were put

  bool ok() const { return outcome == WriteOutcome::ok; }
};

// WriteDone as a Result: full and unknown are temporary errors, conflict and fenced temporary `conflict`.
Result<void> as_result(const WriteDone& done, std::string_view what);

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::unique_ptr<View> read(Partition partition) = 0;
  virtual Task<WriteDone> write(Partition partition, Batch batch) = 0;
  // Returns when everything written before is on stable storage.
  virtual Task<Result<void>> sync() = 0;
  virtual bool full() const = 0;

  // One-row shorthand for read(partition)->get().
  Task<Result<std::optional<Row>>> get(Partition partition, Keyspace keyspace, std::string key);

  // A lease is a row of `server` in the partition it guards: key "lease/<name>", value epoch (8 bytes big-endian).
  // Takes it over: raises the epoch by one, durably, and returns it.
  Task<Result<std::uint64_t>> acquire_lease(Partition partition, std::string name);
};

}  // namespace godwit::store
