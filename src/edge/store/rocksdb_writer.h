#pragma once
// Turns a group of batches into one write of RocksDB, with the mark of how far the log is synced. By who commits (commit_queue.h).

#include <rocksdb/write_batch.h>

#include "edge/store/commit_queue.h"
#include "edge/store/rocksdb_db.h"
#include "edge/store/wal_format.h"

namespace godwit::store {

class RocksDbWriter {
 public:
  explicit RocksDbWriter(RocksDb& db) : db_(db) {}

  // Incomplete: nothing was written, because it would have had to wait and was told not to.
  rocksdb::Status write(WriteGroup group, CommitSink::How how);
  rocksdb::Status sync();
  rocksdb::Status write_mark();  // not synced itself

  // Any thread: what is known to be synced.
  WalMark synced() const;

 private:
  rocksdb::Status note_synced();
  rocksdb::Status put_mark();
  rocksdb::Status append(const PendingWrite& write);

  RocksDb& db_;
  rocksdb::WriteBatch batch_;
  mutable std::mutex mutex_;
  WalMark synced_;
};

}  // namespace godwit::store
