#include "edge/store/space_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace godwit::store {
namespace {

Error os_error(std::string_view what, const std::string& path, int number) {
  const auto cause = number == ENOSPC || number == EDQUOT || number == EFBIG ? Error::Cause::full : Error::Cause::io;
  return Error::temporary(cause, fmt::format("{} {}: {}", what, path, std::strerror(number)));
}

class PosixSpace final : public Space {
 public:
  explicit PosixSpace(std::string directory) : directory_(std::move(directory)), file_(directory_ + "/reserve") {}

  Result<std::uint64_t> free_bytes() override {
    struct statvfs now{};
    if (::statvfs(directory_.c_str(), &now) != 0) return fail(os_error("looking at the free space of", directory_, errno));
    return static_cast<std::uint64_t>(now.f_bavail) * now.f_frsize;  // what an ordinary user may still take
  }

  Result<void> hold(std::uint64_t bytes) override {
    const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(os_error("opening", file_, errno));
    // The plain system call refuses at once where posix_fallocate() would write the blocks one by one.
    int number = 0;
    if (::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) != 0) number = errno;
    if (number == EOPNOTSUPP) number = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
    ::close(descriptor);
    if (number == 0) return {};
    ::unlink(file_.c_str());
    return fail(os_error("reserving space in", file_, number));
  }

  Result<void> give_back() override {
    if (::unlink(file_.c_str()) == 0 || errno == ENOENT) return {};
    return fail(os_error("removing", file_, errno));
  }

 private:
  std::string directory_;
  std::string file_;
};

}  // namespace

std::unique_ptr<Space> make_posix_space(std::string directory) { return std::make_unique<PosixSpace>(std::move(directory)); }

SpaceGuard::SpaceGuard(std::unique_ptr<Space> space, std::uint64_t min_free, std::uint64_t reserve)
    : space_(std::move(space)), min_free_(min_free), reserve_(reserve) {
  full_.store(true, std::memory_order_relaxed);  // until check() has found room for the reserve
  const auto held = space_->hold(reserve_);      // one of the last run is taken over
  holding_ = held.has_value();
  const auto free = space_->free_bytes();
  if (holding_ && free && *free >= min_free_) full_.store(false, std::memory_order_relaxed);
  if (full()) log::warning("disk full", {{"free", free.value_or(0)}, {"min_free", min_free_}, {"reserve_held", holding_}});
}

bool SpaceGuard::give_back_reserve() {
  const std::scoped_lock lock(mutex_);
  full_.store(true, std::memory_order_relaxed);
  if (!holding_) return false;
  const auto given = space_->give_back();
  if (!given) {
    log::error("reserve not given back", {{"error", given.error().text}});
    return false;
  }
  holding_ = false;
  log::warning("disk full: the reserve is given back", {{"reserve", reserve_}});
  return true;
}

void SpaceGuard::check() {
  const std::scoped_lock lock(mutex_);
  const auto free = space_->free_bytes();
  if (!free) {
    log::error("free space unknown", {{"error", free.error().text}});
    return;
  }
  if (!full()) {
    if (*free >= min_free_) return;
    full_.store(true, std::memory_order_relaxed);
    log::warning("disk full: new mail is refused", {{"free", *free}, {"min_free", min_free_}});
    return;
  }
  // Free space must pass min_free + reserve either way: with the reserve still to be taken that leaves min_free.
  if (*free < min_free_ + reserve_) return;
  if (!holding_) {
    if (!space_->hold(reserve_)) return;
    holding_ = true;
  }
  full_.store(false, std::memory_order_relaxed);
  log::info("disk has room again", {{"free", *free}});
}

}  // namespace godwit::store
