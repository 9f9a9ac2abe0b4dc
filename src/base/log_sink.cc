#include "base/log_sink.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

namespace godwit::log {
namespace {

constexpr std::size_t kMostBytes = 256 * 1024;
constexpr std::chrono::milliseconds kGather{5};

}  // namespace

void GatheringSink::sink_it_(const spdlog::details::log_msg& message) {
  lines_.append(message.payload.data(), message.payload.size());
  lines_ += '\n';
  if (lines_.size() < kMostBytes && waiting_() > 0) return;
  flush_();
  std::this_thread::sleep_for(kGather);
}

// What standard error does not take is lost: there is no other place to say so.
void GatheringSink::flush_() {
  std::string_view rest = lines_;
  while (!rest.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (count > 0)
      rest.remove_prefix(static_cast<std::size_t>(count));
    else if (count < 0 && errno == EAGAIN)
      std::this_thread::sleep_for(kGather);
    else if (count == 0 || errno != EINTR)
      break;
  }
  lines_.clear();
}

}  // namespace godwit::log
