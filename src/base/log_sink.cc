#include "base/log_sink.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <string_view>
#include <thread>

namespace godwit::log {
namespace {

constexpr std::size_t kMostBytes = 256 * 1024;
constexpr std::chrono::milliseconds kGather{5};
constexpr int kPatience = 1'000;  // milliseconds for a reader; none once it has failed to read for so long

bool is_regular_file(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

GatheringSink::GatheringSink(std::function<std::size_t()> waiting)
    : waiting_(std::move(waiting)), is_file_(is_regular_file(STDERR_FILENO)) {}

void GatheringSink::sink_it_(const spdlog::details::log_msg& message) {
  lines_.append(message.payload.data(), message.payload.size());
  lines_ += '\n';
  if (lines_.size() < kMostBytes && waiting_() > 0) return;
  flush_();
  std::this_thread::sleep_for(kGather);
}

bool GatheringSink::writable() {
  pollfd file{STDERR_FILENO, POLLOUT, 0};
  const bool ready = ::poll(&file, 1, stuck_ ? 0 : kPatience) == 1 && (file.revents & POLLOUT) != 0;
  stuck_ = !ready;
  return ready;
}

// Nobody may have to wait for a reader that does not read: not a stop, and not an end that a supervisor should see. What standard
// error does not take in time is lost, as there is no other place to say so, and counted.
void GatheringSink::flush_() {
  std::string_view rest = lines_;
  while (!rest.empty() && writable()) {
    // a pipe that is ready takes this much without blocking (POSIX: PIPE_BUF)
    const ssize_t count = ::write(STDERR_FILENO, rest.data(), is_file_ ? rest.size() : std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (count > 0)
      rest.remove_prefix(static_cast<std::size_t>(count));
    else if (count == 0 || (errno != EINTR && errno != EAGAIN))
      break;
  }
  lost_ += static_cast<std::uint64_t>(std::ranges::count(rest, '\n'));
  lines_.clear();
}

}  // namespace godwit::log
