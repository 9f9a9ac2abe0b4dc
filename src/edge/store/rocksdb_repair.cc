// `store repair` for rows: what verifies is kept, what does not is named.

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "edge/store/rocksdb_db.h"
#include "edge/store/rocksdb_options.h"
#include "edge/store/table_check.h"
#include "edge/store/wal_check.h"

namespace godwit::store {
namespace {

using Lines = std::vector<std::string>;

// Long enough that two keys of which one is readable and the other is not differ within it.
constexpr std::size_t kProbe = 24;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string padded(std::string key) {
  key.resize(kProbe, '\0');
  return key;
}

// (a + b) / 2 of two numbers of kProbe bytes.
std::string between(const std::string& a, const std::string& b) {
  std::string out(kProbe, '\0');
  unsigned carry = 0;
  std::string sum(kProbe, '\0');
  for (std::size_t i = kProbe; i-- > 0;) {
    const unsigned digit = static_cast<unsigned char>(a[i]) + static_cast<unsigned char>(b[i]) + carry;
    sum[i] = static_cast<char>(digit);
    carry = digit >> 8;
  }
  for (std::size_t i = 0; i < kProbe; ++i) {
    const unsigned digit = carry << 8 | static_cast<unsigned char>(sum[i]);
    out[i] = static_cast<char>(digit >> 1);
    carry = digit & 1;
  }
  return out;
}

// One family of the damaged database into the same of the new one.
class Copy {
 public:
  Copy(RocksDb& from, RocksDb& to, Keyspace keyspace, Lines& lost) : from_(from), to_(to), keyspace_(keyspace), lost_(lost) {}

  rocksdb::Status run() {
    std::string start;
    for (;;) {
      const auto at = iterate();
      at->Seek(start);
      const rocksdb::Status copied = copy_from(*at, start);
      if (!copied.ok()) return copied;
      if (at->status().ok()) return flush();
      const std::optional<std::string> next = next_readable(start);
      lost_.push_back(fmt::format("keyspace {}: the rows from {} to {} are lost", to_string(keyspace_), hex_encode(start),
                                  next ? hex_encode(*next) : "the end"));
      if (!next) return flush();
      start = *next;
    }
  }

 private:
  std::unique_ptr<rocksdb::Iterator> iterate() {
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.fill_cache = false;
    return std::unique_ptr<rocksdb::Iterator>(from_.db().NewIterator(options, from_.family(keyspace_)));
  }

  // `reached` becomes the key behind the last one that was copied.
  rocksdb::Status copy_from(rocksdb::Iterator& at, std::string& reached) {
    for (; at.Valid(); at.Next()) {
      rocksdb::Status status = batch_.Put(to_.family(keyspace_), at.key(), at.value());
      if (status.ok() && batch_.GetDataSize() > (1 << 20)) status = flush();
      if (!status.ok()) return status;
      reached = at.key().ToString() + '\0';
    }
    return rocksdb::Status::OK();
  }

  rocksdb::Status flush() {
    const rocksdb::Status status = to_.db().Write(rocksdb::WriteOptions(), &batch_);
    batch_.Clear();
    return status;
  }

  bool readable(const std::string& key) {
    const auto at = iterate();
    at->Seek(key);
    return at->status().ok();
  }

  // The least key above `bad` from which reading goes on; nothing if there is none.
  std::optional<std::string> next_readable(const std::string& bad) {
    std::string good;
    std::string step = padded(bad);
    for (std::size_t i = kProbe; i-- > 0 && good.empty();) {  // ever wider steps, so that the first damage alone is skipped
      std::string further = step.substr(0, i + 1);
      while (!further.empty() && further.back() == '\xff') further.pop_back();
      if (further.empty()) return std::nullopt;
      ++further.back();
      further = padded(further);
      if (readable(further))
        good = further;
      else
        step = further;
    }
    if (good.empty()) return std::nullopt;
    for (std::string low = step;;) {
      const std::string middle = between(low, good);
      if (middle == low) return good;
      (readable(middle) ? good : low) = middle;
    }
  }

  RocksDb& from_;
  RocksDb& to_;
  Keyspace keyspace_;
  Lines& lost_;
  rocksdb::WriteBatch batch_;
};

Result<void> copy_all(const RocksDbSettings& settings, const RocksDbSettings& fresh, RocksDb& from, Lines& lines) {
  rocksdb::Options nothing;
  const rocksdb::Status destroyed = rocksdb::DestroyDB(fresh.path, nothing);
  if (!destroyed.ok()) return fail(as_error(destroyed, "removing what an earlier repair has left"));
  GODWIT_ASSIGN(auto to, RocksDb::open(fresh));
  for (std::size_t i = 0; i < kKeyspaces; ++i) {
    const rocksdb::Status status = Copy(from, *to, static_cast<Keyspace>(i), lines).run();
    if (!status.ok()) return fail(as_error(status, fmt::format("copying the rows of {}", settings.path)));
  }
  rocksdb::Status status = to->put_version_floor(from.last_version());
  if (status.ok()) status = to->db().SyncWAL();
  return status.ok() ? Result<void>() : fail(as_error(status, fmt::format("writing {}", fresh.path)));
}

// Whatever of this a power cut leaves undone is done by the next repair; until then open() refuses.
Result<void> swap_in(Disk& disk, const std::string& path, Lines& lines) {
  const std::string fresh = path + ".repaired";
  GODWIT_ASSIGN(const bool old_there, disk.exists(path));
  if (old_there) {
    std::string aside = path + ".damaged";
    for (int n = 2;; ++n) {
      GODWIT_ASSIGN(const bool taken, disk.exists(aside));
      if (!taken) break;
      aside = fmt::format("{}.damaged{}", path, n);
    }
    GODWIT_TRY(disk.rename(path, aside));
    lines.push_back(fmt::format("the damaged tables are kept in {}", aside));
  }
  GODWIT_TRY(disk.rename(fresh, path));
  return disk.sync_directory(parent_of(path));
}

// Says whether the list of tables has to be made anew.
Result<bool> repair_log(Disk& disk, const std::string& path, Lines& lines) {
  GODWIT_ASSIGN(const WalReport report, check_wal(disk, path));
  GODWIT_TRY(cut_torn_tail(disk, path, report));
  GODWIT_TRY(salvage_wal(disk, path, report));
  for (const auto& damage : report.acknowledged) {
    const std::string until = damage.sequence_after > 0 ? std::to_string(damage.sequence_after - 1) : "the end";
    lines.push_back(fmt::format("{}; the changes {} to {} are lost; the file is kept in {}/damaged", damage.text(),
                                damage.sequence_before + 1, until, path));
  }
  return lacks_current(disk, path, report);
}

// The list of tables cannot be read: RocksDB makes it anew from the tables.
Result<void> rebuild_manifest(const RocksDbSettings& settings, const std::string& why, Lines& lines) {
  const RocksDbMemory memory{settings.block_cache, settings.memtables};
  const rocksdb::DBOptions options = database_options(rocksdb::Env::Default(), memory);
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, {}}};
  for (std::size_t i = 0; i < kKeyspaces; ++i) {
    const auto keyspace = static_cast<Keyspace>(i);
    families.emplace_back(std::string(to_string(keyspace)), family_options(keyspace, memory, nullptr));
  }
  const rocksdb::Status status = rocksdb::RepairDB(settings.path, options, families);
  if (!status.ok()) return fail(as_error(status, fmt::format("rebuilding the list of tables in {}", settings.path)));
  lines.push_back(fmt::format(
      "the list of tables was rebuilt, rows erased long ago may be back ({}); what was unreadable is kept in {}/lost", why, settings.path));
  return {};
}

}  // namespace

Result<std::vector<std::string>> repair_rocksdb(const RocksDbSettings& settings) {
  const std::shared_ptr<Disk> disk = settings.disk ? settings.disk : std::shared_ptr<Disk>(make_posix_disk());
  Lines lines;
  GODWIT_ASSIGN(const bool there, disk->exists(settings.path));
  GODWIT_ASSIGN(const bool half_done, disk->exists(settings.path + ".repaired/CURRENT"));
  if (!there && half_done) GODWIT_TRY(swap_in(*disk, settings.path, lines));
  if (!there) return lines;
  GODWIT_ASSIGN(const bool no_current, repair_log(*disk, settings.path, lines));
  if (no_current) GODWIT_TRY(rebuild_manifest(settings, "CURRENT is missing", lines));
  auto opened = RocksDb::open(settings);
  if (!opened && opened.error().cause == Error::Cause::corrupt) {
    GODWIT_TRY(rebuild_manifest(settings, opened.error().text, lines));
    opened = RocksDb::open(settings);
  }
  GODWIT_ASSIGN(auto db, std::move(opened));
  const auto damages = verify_tables(*db, std::atomic<bool>(false));
  if (damages.empty()) return lines;
  for (const auto& damage : damages) lines.push_back(damage.text());
  RocksDbSettings fresh = settings;
  fresh.path += ".repaired";
  GODWIT_TRY(copy_all(settings, fresh, *db, lines));
  db.reset();
  GODWIT_TRY(swap_in(*disk, settings.path, lines));
  return lines;
}

}  // namespace godwit::store
