#include "edge/store/rocksdb_db.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "edge/store/reserve_fs.h"
#include "edge/store/rocksdb_options.h"

namespace godwit::store {
namespace {

constexpr std::string_view kVersionFloor = "version_floor";  // in RocksDB's default family. on disk: do not change

}  // namespace

PartitionBytes::PartitionBytes(Partition partition) {
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<char>(partition >> (24 - 8 * i));
}

std::string PartitionBytes::operator+(std::string_view key) const {
  std::string out;
  out.reserve(bytes.size() + key.size());
  out.append(bytes.data(), bytes.size()).append(key);
  return out;
}

std::string end_of(Partition partition) {
  if (partition == 0xffffffffu) return std::string(sizeof(Partition) + kMaxKey + 1, '\xff');
  const PartitionBytes next(partition + 1);
  return next + "";
}

Error as_error(const rocksdb::Status& status, std::string_view what) {
  const auto cause = status.IsCorruption() ? Error::Cause::corrupt : status.IsNoSpace() ? Error::Cause::full : Error::Cause::io;
  const std::string text = fmt::format("{}: {}", what, status.ToString());
  return cause == Error::Cause::corrupt ? Error::permanent(cause, text) : Error::temporary(cause, text);
}

Result<std::unique_ptr<RocksDb>> RocksDb::open(const RocksDbSettings& settings) {
  std::unique_ptr<RocksDb> database(new RocksDb);
  database->space_wait_ = std::make_shared<SpaceWait>(settings.space);
  auto below = settings.file_system ? settings.file_system : make_posix_file_system();
  auto files = make_reserve_file_system(std::move(below), database->space_wait_);
  database->env_ = rocksdb::NewCompositeEnv(files);
  GODWIT_TRY(database->open_families(settings));
  return database;
}

Result<void> RocksDb::open_families(const RocksDbSettings& settings) {
  const RocksDbMemory memory{settings.block_cache, settings.memtables};
  const rocksdb::DBOptions options = database_options(env_.get(), memory);
  const auto cache = rocksdb::NewLRUCache(settings.block_cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted{{rocksdb::kDefaultColumnFamilyName, {}}};
  for (std::size_t i = 0; i < kKeyspaces; ++i) {
    const auto keyspace = static_cast<Keyspace>(i);
    wanted.emplace_back(std::string(to_string(keyspace)), family_options(keyspace, memory, cache));
  }
  std::vector<std::string> there;
  if (rocksdb::DB::ListColumnFamilies(options, settings.path, &there).ok()) {
    for (const auto& name : there) {
      const bool known = std::ranges::any_of(wanted, [&](const auto& family) { return family.name == name; });
      if (!known)
        return fail(Error::permanent(Error::Cause::unsupported,
                                     fmt::format("{} holds the keyspace '{}' of a later version of Godwit", settings.path, name)));
    }
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status = rocksdb::DB::Open(options, settings.path, wanted, &handles, &db);
  db_.reset(db);
  if (status.IsCorruption())
    return fail(as_error(status, fmt::format("the rows in {} are damaged, run `godwit store repair`", settings.path)));
  if (!status.ok()) return fail(as_error(status, fmt::format("opening the rows in {}", settings.path)));
  default_family_ = handles[0];
  std::copy_n(handles.begin() + 1, kKeyspaces, families_.begin());
  return {};
}

RocksDb::~RocksDb() {
  wait_unused();
  if (!db_) return;
  space_wait_->stop_waiting();
  for (auto* family : families_) ignore(db_->DestroyColumnFamilyHandle(family), "a handle");
  ignore(db_->DestroyColumnFamilyHandle(default_family_), "a handle");
  const rocksdb::Status closed = db_->Close();
  if (!closed.ok()) log::error("closing the rows", {{"error", closed.ToString()}});
}

rocksdb::Status RocksDb::get(const rocksdb::Snapshot* snapshot, Keyspace keyspace, const std::string& full_key, Tier tier,
                             rocksdb::PinnableSlice& value) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.read_tier = tier == Tier::cache ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  rocksdb::Status status = db_->Get(options, family(keyspace), full_key, &value);
  if (!status.ok() || value.size() >= sizeof(RowVersion)) return status;
  // Where a table's own index is not in the cache, kBlockCacheTier answers OK with an empty value: "it may exist".
  if (tier == Tier::cache) return rocksdb::Status::Incomplete("the table is not in the cache");
  return rocksdb::Status::Corruption("a row without its version");
}

// Each batch that takes a version takes a sequence number too, so RocksDB's counter never falls behind; only a database that
// repair has copied row by row counts anew, and says where its versions ended.
RowVersion RocksDb::last_version() {
  std::string floor;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), default_family_, kVersionFloor, &floor);
  const RowVersion before_repair = status.ok() && floor.size() == 8 ? read_be64(floor) : 0;
  return before_repair + db_->GetLatestSequenceNumber();
}

rocksdb::Status RocksDb::put_version_floor(RowVersion version) {
  std::string floor;
  append_be64(floor, version);
  return db_->Put(rocksdb::WriteOptions(), default_family_, kVersionFloor, floor);
}

void RocksDb::wait_unused() {
  std::unique_lock lock(mutex_);
  unused_.wait(lock, [this] { return uses_ == 0; });
}

Lookup RocksDb::look(Partition partition, Keyspace keyspace, std::string_view key, Tier tier) {
  const PartitionBytes prefix(partition);
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = get(nullptr, keyspace, prefix + key, tier, value);
  if (status.IsNotFound()) return {};
  if (status.IsIncomplete()) return {Lookup::Kind::not_cached, 0, {}};
  if (!status.ok()) {
    log::error("reading a row", {{"keyspace", to_string(keyspace)}, {"error", status.ToString()}});
    return {Lookup::Kind::failed, 0, {}};
  }
  const std::string_view bytes(value.data(), value.size());
  Lookup row{Lookup::Kind::found, read_be64(bytes), {}};
  if (bytes.size() == sizeof(RowVersion) + 8) row.number = read_be64(bytes.substr(sizeof(RowVersion)));
  return row;
}

RocksDb::Use::Use(RocksDb& db) : db_(&db) {
  const std::scoped_lock lock(db.mutex_);
  ++db.uses_;
}

RocksDb::Use::~Use() {
  if (!db_) return;
  const std::scoped_lock lock(db_->mutex_);
  if (--db_->uses_ == 0) db_->unused_.notify_all();
}

}  // namespace godwit::store
