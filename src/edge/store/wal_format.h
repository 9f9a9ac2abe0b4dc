#pragma once
// RocksDB's log files, read and written without RocksDB, so that damage is found before it opens them.
//
// A file is a row of blocks of 32 KiB; a block holds physical records: masked CRC-32C, length, type, (log number), payload.
// A logical record, one group of the commit thread, is one `full` physical record or a chain first, middle..., last.
// docs/formats/rows.md. Blocking: never on a loop. One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/store/disk.h"

namespace godwit::store {

inline constexpr std::size_t kWalBlock = 32 * 1024;  // on disk: do not change

struct WalPiece {
  enum class Kind : std::uint8_t { record, damage };
  Kind kind = Kind::record;
  std::uint64_t begin = 0;  // in the file; of a record: where its first physical record begins
  std::uint64_t end = 0;
  std::string payload;  // of a record: RocksDB's WriteBatch
  std::string what;     // of damage
};

// Reads a file piece by piece; memory is bounded by the longest record. Damage is skipped up to the next record that verifies,
// byte by byte within a block, so that a mark behind it is found.
class WalReader {
 public:
  // `number` is that of the file's name; records of a recycled file carry it.
  static Result<WalReader> open(Disk& disk, const std::string& path, std::uint32_t number);
  // Nothing at the end of the file, or where nothing but zeroes follows: they were written ahead of the records (reserve_fs.h).
  Result<std::optional<WalPiece>> next();
  // How far it has been read: at the end, where the records end.
  std::uint64_t position() const { return at_; }

 private:
  struct Physical {
    enum class Kind : std::uint8_t { good, bad, end };
    Kind kind = Kind::end;
    unsigned type = 0;
    std::string_view payload;
    std::uint64_t end = 0;
    const char* what = "";
  };

  WalReader(std::unique_ptr<File> file, std::uint64_t size, std::uint32_t number);
  Result<void> find_zeroes();
  Result<Physical> physical_at(std::uint64_t at);
  Physical parse(std::string_view rest, std::uint64_t at) const;
  Result<std::uint64_t> next_good(std::uint64_t from);
  Result<std::string_view> block_at(std::uint64_t at);
  void note_damage(std::uint64_t begin, const char* what);
  WalPiece take_damage(std::uint64_t end);

  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
  std::uint64_t zeroes_from_ = 0;  // to the end
  std::uint32_t number_ = 0;
  std::uint64_t at_ = 0;
  std::string block_;
  std::uint64_t block_begin_ = ~0ull;
  bool in_record_ = false;
  WalPiece record_;
  std::optional<WalPiece> damage_;
};

// The bytes of a file that holds these records, for repair.
class WalWriter {
 public:
  void add(std::string_view payload);
  // What was added since the last call, ready to be appended to the file.
  std::string take() { return std::exchange(out_, {}); }

 private:
  void physical(unsigned type, std::string_view payload);

  std::string out_;
  std::size_t in_block_ = 0;
};

// How far the log was synced when a group was written: the first entry of each group.
struct WalMark {
  std::uint64_t log = 0;       // everything in files with lower numbers is synced
  std::uint64_t offset = 0;    // and of this one, so many bytes
  std::uint64_t sequence = 0;  // RocksDB's number of the last row change before it, for people

  auto operator<=>(const WalMark&) const = default;
  std::string encode() const;  // what goes into PutLogData
};
// From the payload of a record; nothing if it carries none.
std::optional<WalMark> mark_of(std::string_view payload);

// Sequence number of the first change in a payload, and how many changes it holds.
struct WalSpan {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
};
std::optional<WalSpan> span_of(std::string_view payload);

}  // namespace godwit::store
