#include "app/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

namespace godwit::app {
namespace {

std::string reason() { return std::generic_category().message(errno); }

std::string holder(int fd) {
  std::array<char, 32> text{};
  const auto count = pread(fd, text.data(), text.size() - 1, 0);
  if (count <= 0) return "another process";
  std::string pid(text.data(), static_cast<std::size_t>(count));
  while (pid.ends_with('\n')) pid.pop_back();
  return "process " + pid;
}

// The server's user must get through them, whatever the umask.
void make_parents(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::exists(path, ignored)) return;
  make_parents(path.parent_path());
  if (mkdir(path.c_str(), 0755) == 0) ignore(chmod(path.c_str(), 0755), "the directory itself says what is wrong");
}

}  // namespace

Result<void> make_data_directory(const std::string& path) {
  make_parents(std::filesystem::path(path).parent_path());
  if (mkdir(path.c_str(), 0711) == 0) {
    if (chmod(path.c_str(), 0711) == 0) return {};
    return fail(Error::permanent(Error::Cause::io, fmt::format("cannot set the mode of {}: {}", path, reason())));
  }
  if (errno == EEXIST) return {};
  return fail(Error::permanent(
      Error::Cause::denied,
      fmt::format("cannot make the data directory {}: {}; make it and give it to the user that runs godwit", path, reason())));
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& data_dir) {
  GODWIT_TRY(make_data_directory(data_dir));
  const std::string path = data_dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Error::permanent(
        Error::Cause::denied, fmt::format("the data directory {} is not writable for uid {}: {}; run as the user that owns it, or chown it",
                                          data_dir, geteuid(), reason())));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string who = holder(fd);
    ::close(fd);
    return fail(
        Error::temporary(Error::Cause::conflict, fmt::format("{} is in use by {}; only one godwit can have it open", data_dir, who)));
  }
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // the lock holds all the same; only the name of its holder is missing
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

}  // namespace godwit::app
