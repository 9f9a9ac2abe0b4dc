#include "edge/store/rocksdb_writer.h"

#include <rocksdb/transaction_log.h>

namespace godwit::store {
namespace {

using rocksdb::Slice;
using rocksdb::SliceParts;
using rocksdb::Status;

std::array<char, 8> be64(std::uint64_t value) {
  std::array<char, 8> out{};
  for (unsigned i = 0; i < 8; ++i) out[i] = static_cast<char>(value >> (56 - 8 * i));
  return out;
}

// One operation after another of one batch into the group's.
struct Appending {
  RocksDb& db;
  rocksdb::WriteBatch& out;
  const PendingWrite& write;
  PartitionBytes partition{write.partition};
  std::array<char, 8> version = be64(write.done.version);
  std::size_t sums = 0;

  Status put(Keyspace keyspace, std::string_view key, std::string_view value) {
    const std::array<Slice, 2> keys{partition.slice(), Slice(key.data(), key.size())};
    const std::array<Slice, 2> values{Slice(version.data(), version.size()), Slice(value.data(), value.size())};
    return out.Put(db.family(keyspace), SliceParts(keys.data(), 2), SliceParts(values.data(), 2));
  }
  Status operator()(const Batch::Put& op) { return put(op.keyspace, op.key, op.value); }
  Status operator()(const Batch::Add& op) {
    const auto sum = be64(static_cast<std::uint64_t>(write.done.sums.at(sums++)));
    return put(op.keyspace, op.key, std::string_view(sum.data(), sum.size()));
  }
  Status operator()(const Batch::Erase& op) {
    const std::array<Slice, 2> keys{partition.slice(), Slice(op.key)};
    return out.Delete(db.family(op.keyspace), SliceParts(keys.data(), 2));
  }
  Status operator()(const Batch::EraseRange& op) {
    if (!op.to.empty() && op.to <= op.from) return Status::OK();
    const std::string to = op.to.empty() ? end_of(write.partition) : partition + op.to;
    return out.DeleteRange(db.family(op.keyspace), partition + op.from, to);
  }
  Status operator()(const Batch::Require& /*decided*/) { return Status::OK(); }
  Status operator()(const Batch::Fence& /*decided*/) { return Status::OK(); }
};

}  // namespace

Status RocksDbWriter::write(WriteGroup group, CommitSink::How how) {
  batch_.Clear();
  Status status = put_mark();
  for (const auto& write : group) {
    if (status.ok()) status = append(*write);
  }
  if (!status.ok()) return status;
  rocksdb::WriteOptions options;
  options.sync = how == CommitSink::How::sync;
  options.no_slowdown = how == CommitSink::How::no_sync_no_wait;
  status = db_.db().Write(options, &batch_);
  return status.ok() && options.sync ? note_synced() : status;
}

Status RocksDbWriter::sync() {
  const Status status = db_.db().SyncWAL();
  return status.ok() ? note_synced() : status;
}

Status RocksDbWriter::write_mark() {
  batch_.Clear();
  const Status status = put_mark();
  return status.ok() ? db_.db().Write(rocksdb::WriteOptions(), &batch_) : status;
}

WalMark RocksDbWriter::synced() const {
  const std::scoped_lock lock(mutex_);
  return synced_;
}

// One at a time writes, so the log has not grown since the sync.
Status RocksDbWriter::note_synced() {
  std::unique_ptr<rocksdb::LogFile> log;
  const Status status = db_.db().GetCurrentWalFile(&log);
  if (!status.ok()) return status;
  const std::scoped_lock lock(mutex_);
  synced_ = {log->LogNumber(), log->SizeFileBytes(), db_.db().GetLatestSequenceNumber()};
  return status;
}

Status RocksDbWriter::put_mark() { return batch_.PutLogData(synced().encode()); }

Status RocksDbWriter::append(const PendingWrite& write) {
  Appending appending{db_, batch_, write};
  for (const auto& operation : write.batch.operations()) {
    const Status status = std::visit(appending, operation);
    if (!status.ok()) return status;
  }
  return Status::OK();
}

}  // namespace godwit::store
