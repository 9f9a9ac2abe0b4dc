#pragma once
// Where log lines end: standard error, many lines a write. Internal to base/log.
//
// Waking a thread and making a system call for each line cost more than the line itself. So the writer takes all that waits in
// the queue, writes it at once, and then lets lines gather for some milliseconds; a line is that much late at most.

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace godwit::log {

class GatheringSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // `waiting` says how many messages are still in the queue before this sink.
  explicit GatheringSink(std::function<std::size_t()> waiting);

  std::uint64_t lost() const { return lost_; }  // lines that standard error did not take; any thread

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;

  bool writable();

  std::function<std::size_t()> waiting_;
  std::string lines_;
  std::atomic<std::uint64_t> lost_{0};
  bool is_file_;
  bool stuck_ = false;  // the reader does not read
};

}  // namespace godwit::log
