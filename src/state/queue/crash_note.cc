#include "state/queue/crash_note.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "base/bytes.h"

namespace godwit::queue {
namespace {

constexpr std::array kSignals = {SIGSEGV, SIGABRT, SIGBUS};

constinit thread_local volatile std::uint64_t working_on = 0;
std::atomic<int> note_descriptor{-1};
std::array<struct sigaction, kSignals.size()> actions_before;

// Async-signal-safe: a thread-local, a descriptor, pwrite and sigaction. Then the handler from before, or the default, has its
// turn: a faulting instruction runs again with its true address, anything else is raised again.
void note(int signal, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  const std::uint64_t id = working_on;
  const int descriptor = note_descriptor.load(std::memory_order_relaxed);
  if (id != 0 && descriptor >= 0) {
    std::array<unsigned char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(id >> (56 - 8 * i));
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), 0);
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    if (kSignals[i] == signal) ::sigaction(signal, &actions_before[i], nullptr);
  errno = saved_errno;
  if (info->si_code <= 0) ::raise(signal);  // sent by a process (abort() too): no instruction repeats it
}

Error os_error(const char* what, const std::filesystem::path& file) {
  return Error::permanent(Error::Cause::io, fmt::format("{} {}: {}", what, file.string(), std::generic_category().message(errno)));
}

}  // namespace

WorkingOn::WorkingOn(MessageId id) : before_(working_on) { working_on = id.value; }
WorkingOn::~WorkingOn() { working_on = before_; }

Result<std::unique_ptr<CrashNote>> CrashNote::open(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(os_error("cannot open the crash note", file));
  std::unique_ptr<CrashNote> crash_note(new CrashNote(descriptor));
  std::string bytes(8, '\0');
  if (::pread(descriptor, bytes.data(), bytes.size(), 0) == 8 && read_be64(bytes) != 0) crash_note->left_ = MessageId{read_be64(bytes)};
  GODWIT_CHECK(note_descriptor.exchange(descriptor) == -1);
  struct sigaction action{};
  action.sa_sigaction = note;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &actions_before[i]);
  return crash_note;
}

CrashNote::~CrashNote() {
  if (note_descriptor.load() == descriptor_) {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &actions_before[i], nullptr);
    note_descriptor.store(-1);
  }
  ::close(descriptor_);
}

Result<void> CrashNote::clear() {
  left_.reset();
  if (::ftruncate(descriptor_, 0) != 0 || ::fsync(descriptor_) != 0)
    return fail(Error::permanent(Error::Cause::io, fmt::format("cannot clear the crash note: {}", std::generic_category().message(errno))));
  return {};
}

}  // namespace godwit::queue
