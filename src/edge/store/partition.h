#pragma once
// The serialiser of a partition: decides require, add and fence of a new batch against the rows as they will be when
// every batch accepted before it is committed. It knows nothing of RocksDB and does no I/O.
//
// Not thread-safe: its owner (rocksdb_engine.cc) holds the partition's lock. Accepted batches must outlive committed().
// A batch of puts and erases alone is linked into a list and nothing else; the rows it touches are indexed when the first
// decision needs them, and only in those keyspaces that decisions look at.

#include <cstdint>
#include <optional>
#include <string_view>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "edge/store/commit_queue.h"
#include "edge/store/engine.h"

namespace godwit::store {

// What is known of a row when a decision is made.
struct Lookup {
  enum class Kind : std::uint8_t {
    absent,
    found,
    not_cached,  // the disk would have to be read first
    failed,      // it was read, and could not be
  };
  Kind kind = Kind::absent;
  RowVersion version = 0;
  std::optional<std::uint64_t> number;  // of a value of 8 bytes: what add and fence read
};

class CommittedRows {
 public:
  virtual ~CommittedRows() = default;
  virtual Lookup look(Partition partition, Keyspace keyspace, std::string_view key) = 0;
};

// Rows as batches will leave them. Keys are views into those batches.
class Overlay {
 public:
  // `sum` is the next unused one of the batch's add()s.
  void apply(const Batch::Operation& operation, const std::vector<std::int64_t>& sums, std::size_t& next_sum, RowVersion version,
             const PendingWrite* by);
  std::optional<Lookup> find(Keyspace keyspace, std::string_view key) const;
  void forget(const PendingWrite& by);
  void clear();

 private:
  using Name = std::pair<Keyspace, std::string_view>;
  struct Hash {
    std::size_t operator()(const Name& name) const {
      return std::hash<std::string_view>()(name.second) ^ static_cast<std::size_t>(name.first) * 0x9e3779b97f4a7c15u;
    }
  };
  struct Entry {
    Lookup seen;
    const PendingWrite* by = nullptr;
    std::uint64_t order = 0;
  };
  struct Range {
    Keyspace keyspace;
    std::string_view from;
    std::string_view to;
    const PendingWrite* by = nullptr;
    std::uint64_t order = 0;
  };

  std::unordered_map<Name, Entry, Hash> rows_;
  std::vector<Range> ranges_;
  std::uint64_t order_ = 0;
};

struct Decision {
  WriteOutcome outcome = WriteOutcome::ok;
  std::vector<std::int64_t> sums;
  std::vector<RowName> uncached;  // not empty: nothing is decided; read these and ask again
};

class Serialiser {
 public:
  Decision decide(Partition partition, const Batch& batch, CommittedRows& committed);
  // In the order in which the queue took them.
  void accept(PendingWrite& write);
  // The oldest accepted one is in the database now (or the engine has failed, and nothing matters any more).
  void committed(const PendingWrite& write);
  // Nothing in it is worth keeping.
  bool idle() const { return first_ == nullptr && leases_.empty(); }

 private:
  struct Deciding;
  Lookup current(Partition partition, Keyspace keyspace, std::string_view key, CommittedRows& committed);
  void look_at(Keyspace keyspace);
  void index_pending();

  PendingWrite* first_ = nullptr;
  PendingWrite* last_ = nullptr;
  PendingWrite* not_indexed_ = nullptr;
  std::uint32_t looked_at_ = 0;  // a bit a keyspace
  Overlay overlay_;
  std::vector<std::pair<std::string, std::uint64_t>> leases_;  // what their rows will hold: every write of a queue shard asks
};

}  // namespace godwit::store
