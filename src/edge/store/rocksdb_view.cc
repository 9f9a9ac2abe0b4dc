#include "edge/store/rocksdb_view.h"

#include <rocksdb/iterator.h>

#include "base/bytes.h"
#include "base/metrics.h"

namespace godwit::store {
namespace {

using rocksdb::Status;

metrics::Counter& disk_reads() {
  static auto& counter = metrics::counter("godwit_store_disk_reads_total", "Reads of rows that the block cache could not answer");
  return counter;
}

class Snapshot {
 public:
  explicit Snapshot(RocksDb& db) : db_(db), snapshot_(db.db().GetSnapshot()) {}
  ~Snapshot() { db_.db().ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }
  RocksDb& db() const { return db_; }

 private:
  RocksDb& db_;
  const rocksdb::Snapshot* snapshot_;
};

// What a read on the pool holds on to; the snapshot goes before the database may.
struct OnPool {
  RocksDb::Use use;
  std::shared_ptr<Snapshot> snapshot;
};

struct Range {
  Partition partition = 0;
  Keyspace keyspace{};
  std::string from;
  std::string to;
  ScanLimit limit;
  Direction direction{};
};

Row as_row(std::string_view key, const rocksdb::Slice& stored) {
  const std::string_view value(stored.data(), stored.size());
  return {std::string(key), std::string(value.substr(sizeof(RowVersion))), read_be64(value)};
}

Result<std::optional<Row>> get_row(Snapshot& snapshot, Partition partition, Keyspace keyspace, const std::string& key, Tier tier,
                                   bool& cached) {
  rocksdb::PinnableSlice value;
  const PartitionBytes prefix(partition);
  const Status status = snapshot.db().get(snapshot.get(), keyspace, prefix + key, tier, value);
  cached = !status.IsIncomplete();
  if (status.IsNotFound()) return std::optional<Row>();
  if (!status.ok()) return fail(as_error(status, "reading a row"));
  return std::optional<Row>(as_row(key, value));
}

rocksdb::ReadOptions scan_options(const Snapshot& snapshot, const Range& range) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.get();
  // Backwards the first seek is for the key behind the partition, whose prefix is another.
  options.total_order_seek = range.direction == Direction::reverse;
  options.prefix_same_as_start = !options.total_order_seek;
  return options;
}

// Fills the page with what the iterator stands on; where a page ends early, `next` says how to go on.
Status fill(rocksdb::Iterator& at, const Range& range, Page& page) {
  const bool forward = range.direction == Direction::forward;
  std::size_t bytes = 0;
  for (; at.Valid(); forward ? at.Next() : at.Prev()) {
    if (at.value().size() < sizeof(RowVersion)) return Status::Corruption("a row without its version");
    const std::string_view key(at.key().data() + sizeof(Partition), at.key().size() - sizeof(Partition));
    bytes += key.size() + at.value().size() - sizeof(RowVersion);
    if (page.rows.size() == range.limit.rows || (!page.rows.empty() && bytes > range.limit.bytes)) {
      page.next = forward ? std::string(key) : page.rows.back().key;
      return Status::OK();
    }
    page.rows.push_back(as_row(key, at.value()));
  }
  return at.status();
}

// Never with kBlockCacheTier: an iterator of RocksDB 7.8.3 then silently passes over tables that are not open.
Result<Page> scan_rows(Snapshot& snapshot, const Range& range) {
  const PartitionBytes prefix(range.partition);
  const std::string lower = prefix + range.from;
  const std::string upper = range.to.empty() ? end_of(range.partition) : prefix + range.to;
  const rocksdb::Slice lower_bound(lower);
  const rocksdb::Slice upper_bound(upper);
  rocksdb::ReadOptions options = scan_options(snapshot, range);
  options.iterate_lower_bound = &lower_bound;
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> at(snapshot.db().db().NewIterator(options, snapshot.db().family(range.keyspace)));
  if (range.direction == Direction::forward)
    at->Seek(lower);
  else
    at->SeekToLast();
  Page page;
  const Status status = fill(*at, range, page);
  if (!status.ok()) return fail(as_error(status, "reading rows"));
  return page;
}

class RocksDbView final : public View {
 public:
  RocksDbView(RocksDb& db, BlockingPool& pool, Partition partition)
      : snapshot_(std::make_shared<Snapshot>(db)), pool_(pool), partition_(partition) {}

  Task<Result<std::optional<Row>>> get(Keyspace keyspace, std::string key) override {
    bool cached = false;
    auto row = get_row(*snapshot_, partition_, keyspace, key, Tier::cache, cached);
    if (cached) co_return row;
    disk_reads().add();
    auto work = [hold = hold(), partition = partition_, keyspace, key = std::move(key)] {
      bool unused = false;
      return get_row(*hold.snapshot, partition, keyspace, key, Tier::disk, unused);
    };
    co_return co_await pool_.run(std::move(work));
  }

  Task<Result<Page>> scan(Keyspace keyspace, std::string from, std::string to, ScanLimit limit, Direction direction) override {
    GODWIT_CHECK(limit.rows > 0);
    GODWIT_CHECK(from.size() <= kMaxKey + 1 && to.size() <= kMaxKey + 1);  // + 1: the key that follows the longest
    if (!to.empty() && to <= from) co_return Page{};
    auto work = [hold = hold(), range = Range{partition_, keyspace, std::move(from), std::move(to), limit, direction}] {
      return scan_rows(*hold.snapshot, range);
    };
    co_return co_await pool_.run(std::move(work));
  }

 private:
  OnPool hold() { return {RocksDb::Use(snapshot_->db()), snapshot_}; }

  std::shared_ptr<Snapshot> snapshot_;
  BlockingPool& pool_;
  Partition partition_;
};

}  // namespace

std::unique_ptr<View> make_rocksdb_view(RocksDb& db, BlockingPool& pool, Partition partition) {
  return std::make_unique<RocksDbView>(db, pool, partition);
}

}  // namespace godwit::store
