#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "edge/store/disk.h"

namespace godwit::store {

Result<void> File::write_parts(std::uint64_t offset, std::span<const std::string_view> parts) {
  for (const std::string_view part : parts) {
    GODWIT_TRY(write_at(offset, part));
    offset += part.size();
  }
  return {};
}

Result<void> File::write_zeroes(std::uint64_t offset, std::uint64_t length) {
  const std::string zeroes(std::min<std::uint64_t>(length, 1 << 20), '\0');
  while (length > 0) {
    const std::uint64_t piece = std::min<std::uint64_t>(length, zeroes.size());
    GODWIT_TRY(write_at(offset, std::string_view(zeroes).substr(0, piece)));
    offset += piece;
    length -= piece;
  }
  return {};
}

namespace {

constexpr std::size_t kDirectUnit = 4'096;  // O_DIRECT wants offset, length and memory in multiples of the device's block
alignas(kDirectUnit) std::array<char, 256 * 1024> zeroes_for_all;  // never written

std::unexpected<Error> failed(std::string_view what, const std::string& path, int code) {
  std::string text = fmt::format("{}: cannot {}: {}", path, what, std::generic_category().message(code));
  switch (code) {
    case ENOENT: return fail(Error::permanent(Error::Cause::not_found, std::move(text)));
    case EEXIST: return fail(Error::permanent(Error::Cause::conflict, std::move(text)));
    case EACCES:
    case EPERM:
    case EROFS: return fail(Error::permanent(Error::Cause::denied, std::move(text)));
    case ENOSPC:
    case EDQUOT: return fail(Error::temporary(Error::Cause::full, std::move(text)));
    default: return fail(Error::temporary(Error::Cause::io, std::move(text)));
  }
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (count == 0) break;
      if (count > 0)
        done += static_cast<std::size_t>(count);
      else if (errno != EINTR)
        return failed("read", path_, errno);
    }
    return done;
  }

  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    const std::array parts{bytes};
    return write_parts(offset, parts);
  }

  Result<void> write_parts(std::uint64_t offset, std::span<const std::string_view> parts) override {
    constexpr std::size_t kMost = 512;  // below IOV_MAX; more saves nothing
    static_assert(kMost <= IOV_MAX);
    std::array<iovec, kMost> vectors;
    while (!parts.empty()) {
      const std::size_t count = std::min(parts.size(), kMost);
      for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
      GODWIT_TRY(write_vectors(offset, std::span(vectors).first(count)));
      parts = parts.subspan(count);
    }
    return {};
  }

  Result<void> write_zeroes(std::uint64_t offset, std::uint64_t length) override {
    if (offset % kDirectUnit != 0 || length % kDirectUnit != 0) return File::write_zeroes(offset, length);
    const int fd = ::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) return File::write_zeroes(offset, length);
    while (length > 0) {
      const ssize_t count =
          ::pwrite(fd, zeroes_for_all.data(), std::min<std::uint64_t>(length, zeroes_for_all.size()), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || count % static_cast<ssize_t>(kDirectUnit) != 0) break;  // what is wrong, the other way will say
      offset += static_cast<std::uint64_t>(count);
      length -= static_cast<std::uint64_t>(count);
    }
    ::close(fd);
    return length == 0 ? Result<void>() : File::write_zeroes(offset, length);
  }

  Result<void> sync_data() override {
    if (::fdatasync(fd_) != 0) return failed("sync", path_, errno);
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    for (;;) {
      const int code = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
      if (code == 0) return {};
      if (code != EINTR) return failed("allocate space", path_, code);
    }
  }

  Result<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return failed("truncate", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return failed("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  // Moves `offset` past what was written. pwritev may stop short anywhere.
  Result<void> write_vectors(std::uint64_t& offset, std::span<iovec> vectors) {
    while (!vectors.empty()) {
      const ssize_t count = ::pwritev(fd_, vectors.data(), static_cast<int>(vectors.size()), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("write", path_, errno);
      offset += static_cast<std::uint64_t>(count);
      auto left = static_cast<std::size_t>(count);
      while (!vectors.empty() && left >= vectors.front().iov_len) {
        left -= vectors.front().iov_len;
        vectors = vectors.subspan(1);
      }
      if (vectors.empty() || left == 0) continue;
      vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + left;
      vectors.front().iov_len -= left;
    }
    return {};
  }

  int fd_;
  std::string path_;
};

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    int flags = O_CLOEXEC;
    switch (how) {
      case Open::read: flags |= O_RDONLY; break;
      case Open::write_existing: flags |= O_RDWR; break;
      case Open::create_new: flags |= O_RDWR | O_CREAT | O_EXCL; break;
      case Open::create_or_open: flags |= O_RDWR | O_CREAT; break;
    }
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return failed("open", path, errno);
    return std::make_unique<PosixFile>(fd, path);
  }

  Result<void> make_directories(const std::string& path) override {
    if (path.empty() || path == "/" || path == ".") return {};
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno == EEXIST) return {};
    if (errno != ENOENT) return failed("create the directory", path, errno);
    GODWIT_TRY(make_directories(parent_of(path)));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("create the directory", path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) return failed("list", directory, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int code = errno;
    ::closedir(stream);
    if (code != 0) return failed("list", directory, code);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("stat", path, errno);
  }

  Result<bool> is_directory(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return S_ISDIR(status.st_mode);
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("stat", path, errno);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename to " + to, from, errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    if (errno == EISDIR || errno == EPERM) {
      if (::rmdir(path.c_str()) == 0) return {};
    }
    return failed("remove", path, errno);
  }

  Result<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("open the directory", path, errno);
    const int code = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (code != 0) return failed("sync the directory", path, code);
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) != 0) return failed("ask for free space", path, errno);
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() { return std::make_unique<PosixDisk>(); }

}  // namespace godwit::store
