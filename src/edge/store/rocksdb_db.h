#pragma once
// The open database: families, keys and values as bytes, single reads. RocksDB headers: for .cc files of this module alone.
//
// Key: partition (4 bytes big-endian) | key. Value: row version (8 bytes big-endian) | value. docs/formats/rows.md.

#include <rocksdb/db.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/store/engine.h"
#include "edge/store/partition.h"
#include "edge/store/rocksdb_engine.h"

namespace godwit::store {

class SpaceWait;

enum class Tier : std::uint8_t {
  cache,  // never reads the disk: fit for a loop
  disk,
};

struct PartitionBytes {
  explicit PartitionBytes(Partition partition);
  std::array<char, 4> bytes{};
  rocksdb::Slice slice() const { return {bytes.data(), bytes.size()}; }
  std::string operator+(std::string_view key) const;
};
// The first key behind all keys of the partition.
std::string end_of(Partition partition);

Error as_error(const rocksdb::Status& status, std::string_view what);

class RocksDb {
 public:
  static Result<std::unique_ptr<RocksDb>> open(const RocksDbSettings& settings);
  ~RocksDb();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Keyspace keyspace) { return families_[static_cast<std::size_t>(keyspace)]; }
  SpaceWait& space_wait() { return *space_wait_; }
  // No row that exists has a greater version.
  RowVersion last_version();
  rocksdb::Status put_version_floor(RowVersion version);
  // Waits until no Use is left.
  void wait_unused();

  // Incomplete: not cached. Other failures of rows as Lookup::Kind::failed, logged.
  rocksdb::Status get(const rocksdb::Snapshot* snapshot, Keyspace keyspace, const std::string& full_key, Tier tier,
                      rocksdb::PinnableSlice& value);
  Lookup look(Partition partition, Keyspace keyspace, std::string_view key, Tier tier);

  // Work on other threads that must end before the database does.
  class Use {
   public:
    explicit Use(RocksDb& db);
    Use(Use&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
    Use& operator=(Use&&) = delete;
    ~Use();

   private:
    RocksDb* db_;
  };

 private:
  RocksDb() = default;
  Result<void> open_families(const RocksDbSettings& settings);

  std::shared_ptr<SpaceWait> space_wait_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kKeyspaces> families_{};
  rocksdb::ColumnFamilyHandle* default_family_ = nullptr;
  std::mutex mutex_;
  std::condition_variable unused_;
  std::size_t uses_ = 0;
};

}  // namespace godwit::store
