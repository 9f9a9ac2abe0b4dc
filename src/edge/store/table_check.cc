#include "edge/store/table_check.h"

#include <rocksdb/sst_file_reader.h>

#include <algorithm>

namespace godwit::store {
namespace {

rocksdb::Status verify_table(RocksDb& db, const rocksdb::LiveFileMetaData& file) {
  rocksdb::Options options;
  options.env = db.db().GetEnv();
  rocksdb::SstFileReader reader(options);
  const rocksdb::Status opened = reader.Open(file.db_path + file.name);
  if (!opened.ok()) return opened;
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  return reader.VerifyChecksum(read);
}

std::vector<rocksdb::LiveFileMetaData> live_tables(RocksDb& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.db().GetLiveFilesMetaData(&files);
  return files;
}

bool is_live(RocksDb& db, const std::string& name) {
  return std::ranges::any_of(live_tables(db), [&](const auto& file) { return file.name == name; });
}

}  // namespace

std::uint64_t bytes_of_tables(RocksDb& db) {
  std::uint64_t bytes = 0;
  for (const auto& file : live_tables(db)) bytes += file.size;
  return bytes;
}

std::vector<TableDamage> verify_tables(RocksDb& db, const std::atomic<bool>& stop) {
  std::vector<TableDamage> damages;
  for (const auto& file : live_tables(db)) {
    if (stop.load(std::memory_order_relaxed)) break;
    const rocksdb::Status status = verify_table(db, file);
    if (status.ok() || !is_live(db, file.name)) continue;  // compaction may have removed it meanwhile
    damages.push_back({file.name.substr(1), file.column_family_name + ": " + status.ToString()});
  }
  return damages;
}

}  // namespace godwit::store
