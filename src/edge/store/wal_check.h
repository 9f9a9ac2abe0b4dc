#pragma once
// Looks at the log before RocksDB opens it: which damage is a torn tail that nobody was told of, and which is a loss.
//
// Each group says how far the log was synced before it. What does not verify beyond the highest such mark is a torn tail:
// a power cut may leave its pages in any order, it was never acknowledged, and cut_torn_tail() removes it with all that
// follows. What does not verify before the mark was acknowledged once; then the store does not start (`godwit store repair`).
// Blocking: never on a loop. The database is closed, or `until` keeps the check away from what is being written.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/store/disk.h"
#include "edge/store/wal_format.h"

namespace godwit::store {

struct WalDamage {
  std::uint64_t log = 0;
  std::string file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string what;
  std::uint64_t sequence_before = 0;  // last row change that verifies before it, 0 if there is none
  std::uint64_t sequence_after = 0;   // first one that verifies behind it

  std::string text() const;  // "000012.log at 4711: a record whose check sum is wrong"
};

struct WalReport {
  WalMark mark;  // the highest
  std::vector<WalDamage> acknowledged;
  std::vector<WalDamage> torn;  // beyond the mark, in the order of the log
  std::uint64_t records = 0;
};

struct WalName {
  std::uint64_t number = 0;
  std::string path;
};
// The log files of a database, oldest first.
Result<std::vector<WalName>> list_wal(Disk& disk, const std::string& directory);

// `until`: how far to read (a database that is open: its last synced position); nothing = everything.
Result<WalReport> check_wal(Disk& disk, const std::string& directory, std::optional<WalMark> until = std::nullopt);

// Whether the file CURRENT is missing beside rows: RocksDB would take that for a new database.
Result<bool> lacks_current(Disk& disk, const std::string& directory, const WalReport& report);

// Cuts the log at the first torn record; the files behind it go. Nothing to do is no error.
Result<void> cut_torn_tail(Disk& disk, const std::string& directory, const WalReport& report);

// Rewrites the files from the first acknowledged damage on with the records that verify; what was there is kept in
// <directory>/damaged. Call it after cut_torn_tail(). Interrupted, it can be run again.
Result<void> salvage_wal(Disk& disk, const std::string& directory, const WalReport& report);

}  // namespace godwit::store
