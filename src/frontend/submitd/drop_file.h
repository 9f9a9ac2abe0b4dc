#pragma once
// The files of the maildrop, which strangers made: opened so that none of them can block or lead elsewhere. All functions block: on the
// blocking pool. Internal to the module.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace godwit::submitd {

// Whole submissions are named so by sendmail; it writes them under kUnfinished first.
inline constexpr std::string_view kUnfinished = "tmp-";

struct Listing {
  std::vector<std::string> names;  // at most `most`, in order of name, unfinished ones left out
  bool more = false;
};
// Unfinished files older than a day are removed.
Result<Listing> list_maildrop(const std::string& directory, std::size_t most, WallTime now);

class DropFile {
 public:
  // `not_found`: it is gone. Any other error means that this is no file of sendmail's: a link, a FIFO, a directory, more than one name.
  static Result<DropFile> open(const std::string& directory, const std::string& name);
  DropFile(DropFile&& other) noexcept;
  DropFile& operator=(DropFile&&) = delete;
  ~DropFile();

  unsigned uid() const { return uid_; }  // its owner: who submitted it
  std::uint64_t size() const { return size_; }
  // At most `most` bytes from the offset; empty at the end.
  Result<std::string> read(std::uint64_t offset, std::size_t most) const;

 private:
  DropFile(int fd, unsigned uid, std::uint64_t size) : fd_(fd), uid_(uid), size_(size) {}
  int fd_;
  unsigned uid_;
  std::uint64_t size_;
};

Result<void> remove_drop(const std::string& directory, const std::string& name);
// Out of the way, into aside_of(directory), for a person to look at.
Result<void> set_aside(const std::string& directory, const std::string& name);

}  // namespace godwit::submitd
