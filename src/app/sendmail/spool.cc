#include "app/sendmail/spool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace godwit::sendmail {
namespace {

std::unexpected<Error> failed(std::string_view what) {
  return fail(Error::temporary(Error::Cause::io, std::string(what) + ": " + std::generic_category().message(errno)));
}

}  // namespace

Result<void> Spool::append(std::string_view bytes) {
  const std::size_t room = std::min(bytes.size(), kMemory - memory_.size());
  memory_ += bytes.substr(0, room);
  bytes.remove_prefix(room);
  if (bytes.empty()) return {};
  if (!file_) file_.reset(std::tmpfile());
  if (!file_) return failed("cannot make a temporary file in /tmp");
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return failed("cannot write a temporary file in /tmp");
  file_bytes_ += bytes.size();
  return {};
}

Result<void> Spool::each(std::size_t offset, const std::function<Result<void>(std::string_view)>& give) const {
  const std::string_view rest = std::string_view(memory_).substr(offset);
  if (!rest.empty()) GODWIT_TRY(give(rest));
  if (!file_) return {};
  if (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) return failed("cannot read the temporary file");
  std::array<char, 64 * 1024> chunk{};
  std::uint64_t left = file_bytes_;
  while (left > 0) {
    const std::size_t count = std::fread(chunk.data(), 1, std::min<std::uint64_t>(chunk.size(), left), file_.get());
    if (count == 0) return failed("cannot read the temporary file");
    GODWIT_TRY(give(std::string_view(chunk.data(), count)));
    left -= count;
  }
  return {};
}

}  // namespace godwit::sendmail
