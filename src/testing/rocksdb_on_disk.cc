#include "testing/rocksdb_on_disk.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <span>

#include "edge/store/reserve_fs.h"

namespace godwit::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using store::Disk;
using store::File;

IOStatus as_status(const Error& error) {
  if (error.cause == Error::Cause::full) return IOStatus::NoSpace(error.text);
  if (error.cause == Error::Cause::not_found) return IOStatus::PathNotFound(error.text);
  return IOStatus::IOError(error.text);
}

template <class T>
IOStatus as_status(const Result<T>& result) {
  return result ? IOStatus::OK() : as_status(result.error());
}

using PowerIsOff = std::function<bool()>;

// For changing operations.
template <class T>
IOStatus changed(const Result<T>& result, const PowerIsOff& power_is_off) {
  return !result && power_is_off && power_is_off() ? IOStatus::OK() : as_status(result);
}

IOStatus read_at(File& file, std::uint64_t offset, std::size_t n, Slice* result, char* scratch) {
  const auto got = file.read_at(offset, std::span(scratch, n));
  if (!got) return as_status(got.error());
  *result = Slice(scratch, *got);
  return IOStatus::OK();
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch, IODebugContext* /*debug*/) override {
    IOStatus status = read_at(*file_, at_, n, result, scratch);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*debug*/) const override {
    return read_at(*file_, offset, n, result, scratch);
  }

 private:
  std::unique_ptr<File> file_;
};

// An append that failed is repeated at the same place.
class WritableFile final : public rocksdb::FSWritableFile {
 public:
  // Without a file it swallows what it is given.
  WritableFile(std::unique_ptr<File> file, std::string_view path, std::uint64_t size, const FileOptions& options, PowerIsOff power_is_off)
      : FSWritableFile(options), file_(std::move(file)), size_(size), zeroes_(path, size), power_is_off_(std::move(power_is_off)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const IOStatus status = change([&] { return file_->write_at(size_, std::string_view(data.data(), data.size())); });
    if (!status.ok()) return status;
    size_ += data.size();
    if (const std::uint64_t wanted = zeroes_.wanted(size_); wanted > 0 && file_ && file_->write_at(size_, std::string(wanted, '\0')))
      zeroes_.written(size_ + wanted);
    return status;
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    if (size == size_) return IOStatus::OK();
    const IOStatus status = change([&] { return file_->truncate(size); });
    if (status.ok()) size_ = size;
    zeroes_.written(size_);
    return status;
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return zeroes_.until() <= size_ ? IOStatus::OK() : change([&] { return file_->truncate(size_); });
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return change([&] { return file_->sync_data(); });
  }
  bool IsSyncThreadSafe() const override { return true; }  // SyncWAL() beside an append: the disk has a lock
  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return size_; }

 private:
  template <class Change>
  IOStatus change(Change make) {
    return file_ ? changed(make(), power_is_off_) : IOStatus::OK();
  }

  std::unique_ptr<File> file_;
  std::uint64_t size_;
  store::ZeroesAhead zeroes_;
  PowerIsOff power_is_off_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(std::shared_ptr<Disk> disk, std::string path, PowerIsOff power_is_off)
      : disk_(std::move(disk)), path_(std::move(path)), power_is_off_(std::move(power_is_off)) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->sync_directory(path_), power_is_off_);
  }

 private:
  std::shared_ptr<Disk> disk_;
  std::string path_;
  PowerIsOff power_is_off_;
};

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string path) : path(std::move(path)) {}
  std::string path;
};

class OnDisk final : public rocksdb::FileSystem {
 public:
  OnDisk(std::shared_ptr<Disk> disk, PowerIsOff power_is_off) : disk_(std::move(disk)), power_is_off_(std::move(power_is_off)) {}
  static const char* kClassName() { return "GodwitOnDisk"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& /*options*/, std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* /*debug*/) override {
    return open<SequentialFile>(path, *result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& /*options*/,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* /*debug*/) override {
    return open<RandomAccessFile>(path, *result);
  }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* /*debug*/) override {
    return open_for_writing(path, true, options, *result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* /*debug*/) override {
    return open_for_writing(path, false, options, *result);
  }

  IOStatus NewDirectory(const std::string& path, const IOOptions& /*options*/, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*debug*/) override {
    *result = std::make_unique<Directory>(disk_, path, power_is_off_);
    return IOStatus::OK();
  }

  IOStatus FileExists(const std::string& path, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const auto there = disk_->exists(path);
    if (!there) return as_status(there.error());
    return *there ? IOStatus::OK() : IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions& /*options*/, std::vector<std::string>* result,
                       IODebugContext* /*debug*/) override {
    auto names = disk_->list(path);
    if (!names) return as_status(names.error());
    *result = *std::move(names);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->remove(path), power_is_off_);
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->make_directories(path), power_is_off_);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->make_directories(path), power_is_off_);
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->remove(path), power_is_off_);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& /*options*/, std::uint64_t* size, IODebugContext* /*debug*/) override {
    auto file = disk_->open(path, Disk::Open::read);
    if (!file) return as_status(file.error());
    const auto bytes = (*file)->size();
    if (bytes) *size = *bytes;
    return as_status(bytes);
  }
  IOStatus GetFileModificationTime(const std::string& /*path*/, const IOOptions& /*options*/, std::uint64_t* time,
                                   IODebugContext* /*debug*/) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return changed(disk_->rename(from, to), power_is_off_);
  }

  // Within this process; a second one never sees this disk. The file is there because RocksDB looks for it.
  IOStatus LockFile(const std::string& path, const IOOptions& /*options*/, rocksdb::FileLock** lock, IODebugContext* /*debug*/) override {
    const std::scoped_lock hold(mutex_);
    const auto file = disk_->open(path, Disk::Open::create_or_open);
    if (!file) return as_status(file.error());
    if (!locked_.insert(path).second) return IOStatus::IOError("locked already: " + path);
    *lock = new Lock(path);
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const std::scoped_lock hold(mutex_);
    const std::unique_ptr<Lock> mine(static_cast<Lock*>(lock));
    locked_.erase(mine->path);
    return IOStatus::OK();
  }

  IOStatus GetTestDirectory(const IOOptions& /*options*/, std::string* path, IODebugContext* /*debug*/) override {
    *path = "/test";
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& /*options*/, std::string* result, IODebugContext* /*debug*/) override {
    *result = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions& /*options*/, bool* is_directory, IODebugContext* /*debug*/) override {
    const auto directory = disk_->is_directory(path);
    if (directory) *is_directory = *directory;
    return as_status(directory);
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& /*options*/, std::uint64_t* bytes, IODebugContext* /*debug*/) override {
    const auto free = disk_->free_bytes(path);
    if (free) *bytes = *free;
    return as_status(free);
  }

 private:
  template <class Kind, class Interface>
  IOStatus open(const std::string& path, std::unique_ptr<Interface>& result) {
    auto file = disk_->open(path, Disk::Open::read);
    if (!file) return as_status(file.error());
    result = std::make_unique<Kind>(*std::move(file));
    return IOStatus::OK();
  }

  IOStatus open_for_writing(const std::string& path, bool empty, const FileOptions& options,
                            std::unique_ptr<rocksdb::FSWritableFile>& result) {
    std::uint64_t size = 0;
    auto file = open_and_size(path, empty, size);
    const IOStatus status = changed(file, power_is_off_);
    if (status.ok()) result = std::make_unique<WritableFile>(file ? *std::move(file) : nullptr, path, size, options, power_is_off_);
    return status;
  }
  Result<std::unique_ptr<File>> open_and_size(const std::string& path, bool empty, std::uint64_t& size) {
    GODWIT_ASSIGN(auto file, disk_->open(path, Disk::Open::create_or_open));
    if (empty) GODWIT_TRY(file->truncate(0));
    GODWIT_ASSIGN(size, file->size());
    return file;
  }

  std::shared_ptr<Disk> disk_;
  PowerIsOff power_is_off_;
  std::mutex mutex_;
  std::set<std::string> locked_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> make_rocksdb_on_disk(std::shared_ptr<store::Disk> disk, std::function<bool()> power_is_off) {
  return std::make_shared<OnDisk>(std::move(disk), std::move(power_is_off));
}

}  // namespace godwit::testing
