#include "frontend/submitd/drop_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "frontend/submitd/submitd.h"

namespace godwit::submitd {
namespace {

constexpr const char* kGroup = "godwit-drop";
constexpr mode_t kMode = 01730;  // put in, but neither look nor take out what is others'
constexpr auto kAbandoned = std::chrono::hours(24);

Error error_of(std::string_view what, int code) {
  const auto cause = code == ENOENT ? Error::Cause::not_found : Error::Cause::io;
  return Error::permanent(cause, fmt::format("{}: {}", what, std::generic_category().message(code)));
}

bool is_abandoned(const std::string& path, WallTime now) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return false;
  return now - WallTime(std::chrono::seconds(info.st_mtime)) > kAbandoned;
}

Result<void> make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return fail(error_of(fmt::format("cannot make {}; make it and give it to the user that runs godwit", path), errno));
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid())
    return fail(Error::permanent(
        Error::Cause::denied, fmt::format("{} must be a directory that belongs to the user that runs godwit (uid {})", path, ::geteuid())));
  return {};
}

}  // namespace

Result<void> make_maildrop(const std::string& directory) {
  GODWIT_TRY(make_directory(aside_of(directory), 0700));
  GODWIT_TRY(make_directory(directory, 0700));
  std::array<char, 16 * 1024> room{};
  group entry{};
  group* found = nullptr;
  struct stat info{};
  const bool there = ::getgrnam_r(kGroup, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
  if (there && ::lstat(directory.c_str(), &info) == 0 && info.st_gid != found->gr_gid &&
      ::chown(directory.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0)
    log::warning("maildrop_group",
                 {{"why", std::generic_category().message(errno)},
                  {"mend", fmt::format("chgrp {} {}; until then sendmail cannot leave mail while the server is down", kGroup, directory)}});
  if (::chmod(directory.c_str(), kMode) != 0) return fail(error_of("cannot set the mode of " + directory, errno));
  return {};
}

Result<Listing> list_maildrop(const std::string& directory, std::size_t most, WallTime now) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  if (!stream) return fail(error_of("cannot read " + directory, errno));
  Listing listing;
  while (const dirent* const entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (name.starts_with(kUnfinished)) {
      const std::string path = directory + "/" + name;
      if (is_abandoned(path, now)) ::unlink(path.c_str());
    } else if (listing.names.size() < most) {
      listing.names.push_back(name);
    } else {
      listing.more = true;
      break;
    }
  }
  std::ranges::sort(listing.names);
  return listing;
}

// O_NOFOLLOW: a link would let anybody mail our files. O_NONBLOCK: a FIFO would keep us waiting. One name: a hard link to a file of
// somebody else's would be sent in his name.
Result<DropFile> DropFile::open(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return fail(error_of("cannot open it", errno));
  struct stat info{};
  const bool known = ::fstat(fd, &info) == 0;
  DropFile file(fd, info.st_uid, known && info.st_size > 0 ? static_cast<std::uint64_t>(info.st_size) : 0);
  if (!known || !S_ISREG(info.st_mode)) return fail(Error::permanent(Error::Cause::corrupt, "it is not a regular file"));
  if (info.st_nlink != 1) return fail(Error::permanent(Error::Cause::corrupt, "it has more than one name"));
  return file;
}

DropFile::DropFile(DropFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), uid_(other.uid_), size_(other.size_) {}
DropFile::~DropFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> DropFile::read(std::uint64_t offset, std::size_t most) const {
  std::string bytes(most, '\0');
  while (true) {
    const ssize_t count = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Error::temporary(Error::Cause::io, "cannot read it: " + std::generic_category().message(errno)));
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }
}

Result<void> remove_drop(const std::string& directory, const std::string& name) {
  if (::unlink((directory + "/" + name).c_str()) != 0) return fail(error_of("cannot remove it", errno));
  return {};
}

Result<void> set_aside(const std::string& directory, const std::string& name) {
  if (::rename((directory + "/" + name).c_str(), (aside_of(directory) + "/" + name).c_str()) != 0)
    return fail(error_of("cannot move it aside", errno));
  return {};
}

}  // namespace godwit::submitd
