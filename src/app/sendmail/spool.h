#pragma once
// The message while it is read: the first MiB in memory, what follows in a file without a name. It is needed twice (header, then all of
// it; or the server went away half-way), and its input only comes once.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::sendmail {

class Spool {
 public:
  static constexpr std::size_t kMemory = 1'048'576;

  Result<void> append(std::string_view bytes);
  std::uint64_t size() const { return memory_.size() + file_bytes_; }
  const std::string& beginning() const { return memory_; }  // all of it up to kMemory
  // From `offset` (within the beginning) to the end, in pieces.
  Result<void> each(std::size_t offset, const std::function<Result<void>(std::string_view)>& give) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { ignore(std::fclose(file), "it has no name"); }
  };
  std::string memory_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace godwit::sendmail
