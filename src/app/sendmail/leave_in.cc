#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "app/sendmail/submission.h"
#include "base/random.h"
#include "edge/net/file_descriptor.h"

namespace godwit::sendmail {
namespace {

constexpr std::size_t kNameLength = 26;

std::unexpected<Error> failed(std::string what) {
  const auto cause = errno == EACCES || errno == EPERM ? Error::Cause::denied
                     : errno == ENOENT                 ? Error::Cause::not_found
                                                       : Error::Cause::io;
  return fail(Error::temporary(cause, fmt::format("{}: {}", what, std::generic_category().message(errno))));
}

// The group that sendmail was installed with is in force only while a name in the maildrop is looked up.
class WithGroup {
 public:
  explicit WithGroup(gid_t group) : own_(::getegid()) { changed_ = group != own_ && ::setegid(group) == 0; }
  ~WithGroup() {
    if (changed_ && ::setegid(own_) != 0) ::_exit(EX_OSERR);
  }
  WithGroup(const WithGroup&) = delete;
  WithGroup& operator=(const WithGroup&) = delete;

 private:
  gid_t own_;
  bool changed_ = false;
};

class DropWriter {
 public:
  DropWriter(const std::string& maildrop, gid_t group)
      : maildrop_(maildrop), group_(group), name_(make_system_random()->text(kNameLength)), unfinished_(maildrop + "/tmp-" + name_) {}
  ~DropWriter() {
    if (!file_ || done_) return;
    const WithGroup with(group_);
    ::unlink(unfinished_.c_str());
  }
  DropWriter(const DropWriter&) = delete;
  DropWriter& operator=(const DropWriter&) = delete;

  Result<void> open() {
    const WithGroup with(group_);
    file_ = net::FileDescriptor(::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_) return failed("cannot write into " + maildrop_);
    // the server reads it by the group's right; nobody else has any way into the directory
    struct stat directory{};
    if (::stat(maildrop_.c_str(), &directory) == 0)
      ignore(::fchown(file_.get(), static_cast<uid_t>(-1), directory.st_gid), "root without the group; others have it already");
    if (::fchmod(file_.get(), 0640) != 0) return failed("cannot set the mode in " + maildrop_);
    return {};
  }
  Result<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return failed("cannot write into " + maildrop_);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }
  Result<void> write_chunk(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view chunk = bytes.substr(0, submit::kMaxChunk);
      GODWIT_TRY(write(submit::format_chunk_header(chunk.size())));
      GODWIT_TRY(write(chunk));
      bytes.remove_prefix(chunk.size());
    }
    return {};
  }
  // The directory cannot be opened for reading by whoever may only put something in: then the whole file system is synced.
  Result<void> finish() {
    if (::fsync(file_.get()) != 0) return failed("cannot sync the message in " + maildrop_);
    const WithGroup with(group_);
    if (::rename(unfinished_.c_str(), (maildrop_ + "/" + name_).c_str()) != 0) return failed("cannot finish the message in " + maildrop_);
    done_ = true;
    const net::FileDescriptor directory(::open(maildrop_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if ((directory ? ::fsync(directory.get()) : ::syncfs(file_.get())) != 0) return failed("cannot sync " + maildrop_);
    return {};
  }

 private:
  const std::string& maildrop_;
  gid_t group_;
  std::string name_;
  std::string unfinished_;
  net::FileDescriptor file_;
  bool done_ = false;
};

}  // namespace

Result<void> leave_in(const std::string& maildrop, const Submission& submission, unsigned group) {
  GODWIT_ASSIGN(const std::string envelope, submit::format_envelope(submission.envelope));
  DropWriter writer(maildrop, group);
  GODWIT_TRY(writer.open());
  GODWIT_TRY(writer.write(envelope));
  GODWIT_TRY(writer.write_chunk(submission.head));
  GODWIT_TRY(submission.spool->each(submission.body, [&](std::string_view bytes) { return writer.write_chunk(bytes); }));
  GODWIT_TRY(writer.write(submit::format_chunk_header(0)));
  return writer.finish();
}

}  // namespace godwit::sendmail
