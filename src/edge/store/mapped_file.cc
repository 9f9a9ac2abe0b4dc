#include "edge/store/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace godwit::store {
namespace {

Error io_error(const std::string& path, std::string_view what, int code) {
  const auto cause = code == ENOSPC || code == EDQUOT ? Error::Cause::full : Error::Cause::io;
  return Error::temporary(cause, path + ": cannot " + std::string(what) + ": " + std::strerror(code));
}

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t page_begin(std::size_t offset) { return offset / page_size() * page_size(); }

}  // namespace

Result<std::unique_ptr<MappedFile>> MappedFile::map(int fd, const std::string& path, std::size_t bytes) {
  // also where the file is long enough: it may have holes
  if (const int code = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)); code != 0) {
    ::close(fd);
    return fail(io_error(path, "reserve its space", code));
  }
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    const int code = errno;
    ::close(fd);
    return fail(io_error(path, "map it", code));
  }
  return std::unique_ptr<MappedFile>(new MappedFile(fd, static_cast<char*>(at), bytes, path));
}

Result<std::unique_ptr<MappedFile>> MappedFile::create(const std::string& path, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return fail(io_error(path, "make it", errno));
  auto mapped = map(fd, path, bytes);
  if (!mapped) ::unlink(path.c_str());
  return mapped;
}

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::string& path, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail(io_error(path, "open it", errno));
  return map(fd, path, bytes);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  if (fd_ >= 0) ::close(fd_);
}

void MappedFile::prepare(std::size_t from, std::size_t to) {
  from = page_begin(from);
  to = std::min(to, size_);
  if (data_ == nullptr || from >= to) return;
#ifdef MADV_POPULATE_WRITE
  ::madvise(data_ + from, to - from, MADV_POPULATE_WRITE);
#endif
}

Result<void> MappedFile::sync(std::size_t from, std::size_t to) {
  from = page_begin(from);
  to = std::min(to, size_);
  if (data_ == nullptr || from >= to) return {};
  if (::msync(data_ + from, to - from, MS_SYNC) != 0) return fail(io_error(path_, "sync it", errno));
  return {};
}

Result<void> MappedFile::close_at(std::size_t bytes) {
  GODWIT_TRY(sync(0, bytes));
  ::munmap(data_, size_);
  data_ = nullptr;
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return fail(io_error(path_, "shorten it", errno));
  return {};
}

}  // namespace godwit::store
