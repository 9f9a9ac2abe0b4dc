#pragma once
// The disk, passed in: what segment files (and in tests RocksDB too) do with files, so that a test can forget what was not
// synced, fill up, or fail at the n-th write. make_posix_disk() is the real one; testing/forgetful_disk.h the other.
//
// Blocking calls: never on an event loop. Any thread; one File is used by one thread at a time unless it only reads.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::store {

class File {
 public:
  virtual ~File() = default;
  // Reads up to into.size() bytes; short only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
  // Writes all of it, extending the file where needed. `full` on ENOSPC.
  virtual Result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // The same for parts that lie one behind the other: pwritev where there is one, write_at for each where not.
  virtual Result<void> write_parts(std::uint64_t offset, std::span<const std::string_view> parts);
  // Zeroes, so that their place is theirs on the disk. Past the page cache where both are multiples of 4,096 and the file system
  // can: nobody is about to read them.
  virtual Result<void> write_zeroes(std::uint64_t offset, std::uint64_t length);
  virtual Result<void> sync_data() = 0;                    // fdatasync
  virtual Result<void> allocate(std::uint64_t bytes) = 0;  // posix_fallocate from 0; `full` on ENOSPC
  virtual Result<void> truncate(std::uint64_t bytes) = 0;
  virtual Result<std::uint64_t> size() = 0;
};

class Disk {
 public:
  enum class Open : std::uint8_t { read, write_existing, create_new, create_or_open };
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  virtual Result<void> make_directories(const std::string& path) = 0;               // mode 0700
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted; directories too
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<bool> is_directory(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // a file or an empty directory
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

std::unique_ptr<Disk> make_posix_disk();

}  // namespace godwit::store
