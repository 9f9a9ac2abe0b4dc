#include "edge/store/reserve_fs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"

namespace godwit::store {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus os_error(std::string_view what, const std::string& path, int number) {
  const std::string text = fmt::format("{} {}: {}", what, path, std::strerror(number));
  if (number == ENOSPC || number == EDQUOT) return IOStatus::NoSpace(text);
  if (number == ENOENT) return IOStatus::PathNotFound(text);
  return IOStatus::IOError(text);
}

// A file that grows. Append writes at the end that is remembered here, whatever an earlier, failed one has left behind.
class AppendFile final : public FSWritableFile {
 public:
  AppendFile(int descriptor, std::string path, std::uint64_t size, const FileOptions& options)
      : FSWritableFile(options), descriptor_(descriptor), path_(std::move(path)), size_(size), zeroes_(path_, size) {}
  ~AppendFile() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    std::string_view rest(data.data(), data.size());
    for (std::uint64_t at = size_; !rest.empty();) {
      const ssize_t written = ::pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(at));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return os_error("writing", path_, errno);
      at += static_cast<std::uint64_t>(written);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    size_ += data.size();
    write_ahead();
    return IOStatus::OK();
  }

  IOStatus Truncate(std::uint64_t size, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return os_error("truncating", path_, errno);
    size_ = size;
    zeroes_.written(size);
    return IOStatus::OK();
  }

  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    if (descriptor_ < 0) return IOStatus::OK();
    std::size_t block = 0;
    std::size_t last_block = 0;
    GetPreallocationStatus(&block, &last_block);
    const bool exact = last_block == 0 && zeroes_.until() <= size_;
    const bool cut = exact || ::ftruncate(descriptor_, static_cast<off_t>(size_)) == 0;  // gives back what was preallocated
    const int number = errno;
    const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
    if (!cut) return os_error("truncating", path_, number);
    return closed ? IOStatus::OK() : os_error("closing", path_, errno);
  }

  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return IOStatus::OK(); }

  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return ::fdatasync(descriptor_) == 0 ? IOStatus::OK() : os_error("syncing", path_, errno);
  }
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return ::fsync(descriptor_) == 0 ? IOStatus::OK() : os_error("syncing", path_, errno);
  }
  bool IsSyncThreadSafe() const override { return true; }

  IOStatus RangeSync(std::uint64_t offset, std::uint64_t bytes, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    // A hint that spreads the writing of tables; Sync() is what counts.
    static_cast<void>(::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE));
    return IOStatus::OK();
  }

  IOStatus Allocate(std::uint64_t offset, std::uint64_t bytes, const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    const int done = ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes));
    return done == 0 ? IOStatus::OK() : os_error("allocating", path_, errno);
  }

  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return size_; }

 private:
  // No room is no error: then the next sync has a little more to do.
  void write_ahead() {
    static constexpr std::array<char, ZeroesAhead::kStep> kZeroes{};
    if (const std::uint64_t wanted = zeroes_.wanted(size_); wanted > 0) {
      const ssize_t written = ::pwrite(descriptor_, kZeroes.data(), wanted, static_cast<off_t>(size_));
      zeroes_.written(size_ + static_cast<std::uint64_t>(std::max<ssize_t>(written, 0)));
    }
  }

  int descriptor_;
  std::string path_;
  std::uint64_t size_;
  ZeroesAhead zeroes_;
};

class PosixFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  PosixFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  static const char* kClassName() { return "GodwitPosix"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* /*debug*/) override {
    return open(path, O_TRUNC, options, *result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* /*debug*/) override {
    return open(path, 0, options, *result);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path, const FileOptions& options,
                             std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) override {
    const IOStatus renamed = RenameFile(old_path, path, IOOptions(), debug);
    return renamed.ok() ? open(path, 0, options, *result) : renamed;
  }

 private:
  static IOStatus open(const std::string& path, int flags, const FileOptions& options, std::unique_ptr<FSWritableFile>& result) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
    if (descriptor < 0) return os_error("opening", path, errno);
    struct stat now{};
    if (::fstat(descriptor, &now) != 0) {
      const int number = errno;
      ::close(descriptor);
      return os_error("looking at", path, number);
    }
    result = std::make_unique<AppendFile>(descriptor, path, static_cast<std::uint64_t>(now.st_size), options);
    return IOStatus::OK();
  }
};

// Of "/data/rows/000012.log".
std::optional<std::uint64_t> log_number(std::string_view path) {
  if (!path.ends_with(".log")) return std::nullopt;
  path.remove_suffix(4);
  path.remove_prefix(path.rfind('/') + 1);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(path.data(), path.data() + path.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == path.data() + path.size() ? std::optional(number) : std::nullopt;
}

template <class Attempt>
IOStatus repeat(SpaceWait& wait, Attempt attempt) {
  IOStatus status = attempt();
  while (status.IsNoSpace() && wait.again()) status = attempt();
  return status;
}

// Logs that are being written: where their records end, since there are zeroes behind.
class OpenLogs {
 public:
  using End = std::shared_ptr<std::atomic<std::uint64_t>>;

  End add(const std::string& path, std::uint64_t size) {
    auto end = std::make_shared<std::atomic<std::uint64_t>>(size);
    const std::scoped_lock lock(mutex_);
    ends_[path] = end;
    return end;
  }
  std::optional<std::uint64_t> end_of(const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const auto found = ends_.find(path);
    if (found == ends_.end()) return std::nullopt;
    if (const auto end = found->second.lock()) return end->load();
    ends_.erase(found);  // it was closed, and cut to its size
    return std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<std::atomic<std::uint64_t>>> ends_;
};

class ReserveFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `log_end`: of a log, kept up to date.
  ReserveFile(std::unique_ptr<FSWritableFile> file, std::shared_ptr<SpaceWait> wait, OpenLogs::End log_end)
      : FSWritableFileOwnerWrapper(std::move(file)), wait_(std::move(wait)), log_end_(std::move(log_end)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return appended(data, repeat(*wait_, [&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); }));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return appended(data, repeat(*wait_, [&] { return FSWritableFileOwnerWrapper::Append(data, options, info, debug); }));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = FSWritableFileOwnerWrapper::Close(options, debug);
    log_end_.reset();
    return status;
  }

 private:
  IOStatus appended(const Slice& data, IOStatus status) {
    if (status.ok() && log_end_) log_end_->fetch_add(data.size());
    return status;
  }

  std::shared_ptr<SpaceWait> wait_;
  OpenLogs::End log_end_;
};

class ReserveFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  ReserveFileSystem(std::shared_ptr<rocksdb::FileSystem> below, std::shared_ptr<SpaceWait> wait)
      : FileSystemWrapper(std::move(below)), wait_(std::move(wait)) {}
  static const char* kClassName() { return "GodwitReserve"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    return wrap(path, *result, [&] { return target()->NewWritableFile(path, options, result, debug); });
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                              IODebugContext* debug) override {
    return wrap(path, *result, [&] { return target()->ReopenWritableFile(path, options, result, debug); });
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path, const FileOptions& options,
                             std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) override {
    return wrap(path, *result, [&] { return target()->ReuseWritableFile(path, old_path, options, result, debug); });
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) override {
    return repeat(*wait_, [&] { return target()->RenameFile(from, to, options, debug); });
  }

  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* size, IODebugContext* debug) override {
    const auto end = log_number(path) ? logs_.end_of(path) : std::nullopt;
    if (!end) return target()->GetFileSize(path, options, size, debug);
    *size = *end;
    return IOStatus::OK();
  }

  // RocksDB deletes logs when all that are older are obsolete too, but in any order: a power cut in between would leave a gap, and
  // what stands behind a gap looks like a torn tail. So the older ones go first.
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    const auto number = log_number(path);
    if (!number) return target()->DeleteFile(path, options, debug);
    const std::string directory = path.substr(0, path.rfind('/'));
    std::vector<std::string> names;
    IOStatus status = target()->GetChildren(directory, options, &names, debug);
    std::vector<std::pair<std::uint64_t, std::string>> logs;
    for (const auto& name : names)
      if (const auto other = log_number("/" + name); other && *other <= *number) logs.emplace_back(*other, directory + "/" + name);
    std::ranges::sort(logs);
    for (const auto& [other, log] : logs)
      if (status.ok()) status = target()->DeleteFile(log, options, debug);
    return status;
  }

 private:
  template <class Open>
  IOStatus wrap(const std::string& path, std::unique_ptr<FSWritableFile>& result, Open open) {
    IOStatus status = repeat(*wait_, open);
    if (!status.ok()) return status;
    auto log_end = log_number(path) ? logs_.add(path, result->GetFileSize(IOOptions(), nullptr)) : nullptr;
    result = std::make_unique<ReserveFile>(std::move(result), wait_, std::move(log_end));
    return status;
  }

  std::shared_ptr<SpaceWait> wait_;
  OpenLogs logs_;
};

}  // namespace

bool SpaceWait::again() {
  if (guard_ && guard_->give_back_reserve()) return true;
  if (!guard_ || stopped_.load()) return false;
  log::error("disk full: the store waits for space");
  for (int i = 0; i < 10 && !stopped_.load(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return !stopped_.load();
}

std::shared_ptr<rocksdb::FileSystem> make_posix_file_system() { return std::make_shared<PosixFileSystem>(); }

std::shared_ptr<rocksdb::FileSystem> make_reserve_file_system(std::shared_ptr<rocksdb::FileSystem> below, std::shared_ptr<SpaceWait> wait) {
  return std::make_shared<ReserveFileSystem>(std::move(below), std::move(wait));
}

}  // namespace godwit::store
