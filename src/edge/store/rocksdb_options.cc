#include "edge/store/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "base/log.h"

namespace godwit::store {
namespace {

// RocksDB's own log: warnings and errors go to ours.
class ForwardingLog final : public rocksdb::Logger {
 public:
  ForwardingLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override { forward(log::Level::info, format, arguments); }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    forward(level == rocksdb::InfoLogLevel::WARN_LEVEL ? log::Level::warning : log::Level::error, format, arguments);
  }

 private:
  static void forward(log::Level level, const char* format, va_list arguments) {
    char text[512];
    if (std::vsnprintf(text, sizeof text, format, arguments) > 0) log::write(level, "rocksdb", {{"text", std::string_view(text)}});
  }
};

// A damaged block costs the rows in it; compaction that stumbles over it must not stop all writing. It is tried again,
// and `store verify` and the next start name the file.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    log::error("store: background work failed", {{"error", status->ToString()}});
    if (reason == rocksdb::BackgroundErrorReason::kCompaction && status->IsCorruption()) *status = rocksdb::Status::OK();
  }
};

bool stays(Keyspace keyspace) { return keyspace == Keyspace::mailbox || keyspace == Keyspace::directory || keyspace == Keyspace::trace; }

bool have_lz4() {
  static const bool have = std::ranges::count(rocksdb::GetSupportedCompressions(), rocksdb::kLZ4Compression) > 0;
  return have;
}

}  // namespace

rocksdb::DBOptions database_options(rocksdb::Env* env, const RocksDbMemory& memory) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // The default silently drops acknowledged records behind a flipped bit. This mode refuses all damage but a torn last record;
  // wal_check.h has cut the torn tail before.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.recycle_log_file_num = 0;
  options.max_total_wal_size = 2 * memory.memtables;  // bounds what a start reads
  options.db_write_buffer_size = memory.memtables;
  options.avoid_flush_during_shutdown = true;    // the log has it
  options.avoid_unnecessary_blocking_io = true;  // views end on loops: files are deleted elsewhere
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;  // tables go to the disk evenly, so that the log's sync need not wait for them
  options.max_open_files = 1'000;
  options.max_manifest_file_size = 16 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<ForwardingLog>();
  options.listeners.push_back(std::make_shared<BackgroundErrors>());
  return options;
}

rocksdb::ColumnFamilyOptions family_options(Keyspace keyspace, const RocksDbMemory& memory, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // in the cache, so that their memory is bounded with it
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // `require absent` and partitions that a file does not hold
  table.whole_key_filtering = true;
  table.block_size = stays(keyspace) ? 8 * 1024 : 4 * 1024;
  table.format_version = 5;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(sizeof(Partition)));
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.memtable_whole_key_filtering = true;
  // A queued message is put and erased within seconds: with room enough both die in the memtable.
  options.write_buffer_size = std::max<std::uint64_t>(memory.memtables / 2, 1 << 20);
  options.max_write_buffer_number = 4;
  options.target_file_size_base = 32 << 20;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = stays(keyspace) && have_lz4() ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  // Rows that come and go leave tombstones at the front, where a scan by due time begins.
  if (!stays(keyspace)) options.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(1'000, 500));
  return options;
}

}  // namespace godwit::store
