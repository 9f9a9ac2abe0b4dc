#include "edge/store/rotated_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace godwit::store {
namespace {

constexpr mode_t kMode = 0640;

}  // namespace

RotatedFile::~RotatedFile() { close(); }

Error RotatedFile::error(std::string_view what) const {
  const auto cause = errno == ENOSPC || errno == EDQUOT ? Error::Cause::full : Error::Cause::io;
  return Error::temporary(cause, fmt::format("{}: cannot {}: {}", settings_.path, what, std::strerror(errno)));
}

void RotatedFile::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<void> RotatedFile::open() {
  fd_ = ::open(settings_.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kMode);
  if (fd_ < 0) return fail(error("open it"));
  struct stat now{};
  if (::fstat(fd_, &now) != 0) return fail(error("look at it"));
  if (!S_ISREG(now.st_mode)) {
    close();
    return fail(Error::permanent(Error::Cause::io, settings_.path + " is no ordinary file"));
  }
  if (now.st_size == 0) {
    ignore(::fchmod(fd_, kMode), "then it has the mode that the umask gave it");
    return {};
  }
  char last = '\n';
  if (::pread(fd_, &last, 1, now.st_size - 1) == 1 && last != '\n' && ::write(fd_, "\n", 1) != 1) return fail(error("write it"));
  return {};
}

bool RotatedFile::moved_away() const {
  struct stat opened{};
  struct stat at_path{};
  if (::fstat(fd_, &opened) != 0 || ::stat(settings_.path.c_str(), &at_path) != 0) return true;
  return opened.st_ino != at_path.st_ino || opened.st_dev != at_path.st_dev;
}

Result<bool> RotatedFile::due() const {
  struct stat now{};
  if (::fstat(fd_, &now) != 0) return fail(error("look at it"));
  if (now.st_size == 0) return false;
  if (settings_.max_size > 0 && static_cast<std::uint64_t>(now.st_size) >= settings_.max_size) return true;
  if (settings_.rotate_every <= Duration(0)) return false;
  const Duration written = std::chrono::seconds(now.st_mtim.tv_sec);
  return written / settings_.rotate_every != clock_.now().time_since_epoch() / settings_.rotate_every;
}

void RotatedFile::rotate() {
  const auto numbered = [&](std::uint64_t n) { return fmt::format("{}.{}", settings_.path, n); };
  close();
  if (settings_.keep == 0) {
    ::unlink(settings_.path.c_str());
    return;
  }
  for (std::uint64_t n = settings_.keep; n > 1; --n)
    ignore(::rename(numbered(n - 1).c_str(), numbered(n).c_str()), "not there yet, most likely");
  ignore(::rename(settings_.path.c_str(), numbered(1).c_str()), "then it grows on, and the next turn tries again");
}

Result<void> RotatedFile::append(std::string_view lines) {
  if (reopen_.exchange(false) || (fd_ >= 0 && moved_away())) close();
  if (fd_ < 0) GODWIT_TRY(open());
  GODWIT_ASSIGN(const bool rotates, due());
  if (rotates) {
    rotate();
    GODWIT_TRY(open());
  }
  struct stat before{};
  if (::fstat(fd_, &before) != 0) return fail(error("look at it"));
  while (!lines.empty()) {
    const ssize_t count = ::write(fd_, lines.data(), lines.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error failure = error("write it");
      if (::ftruncate(fd_, before.st_size) != 0) close();
      return fail(failure);
    }
    lines.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace godwit::store
