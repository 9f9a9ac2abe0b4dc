#pragma once
// A file of lines that grows and is moved aside, by size and by day or hour, or by somebody else's logrotate. Blocking; one thread at
// a time, reopen() from any.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace godwit::store {

struct RotationSettings {
  std::string path;
  std::uint64_t max_size = 100ULL << 20;           // then it becomes path.1; 0: never
  Duration rotate_every = std::chrono::hours(24);  // at the turn of such a span, in UTC; 0: never
  std::uint64_t keep = 7;                          // path.1 ... path.keep
};

class RotatedFile {
 public:
  RotatedFile(RotationSettings settings, Clock& clock) : settings_(std::move(settings)), clock_(clock) {}
  ~RotatedFile();
  RotatedFile(const RotatedFile&) = delete;
  RotatedFile& operator=(const RotatedFile&) = delete;

  // All of the lines or, after an error, none of them. The file is made if there is none (mode 0640: a reader of logs may be in its
  // group), and looked for anew when somebody has moved it away. A last line that was cut off is ended first.
  Result<void> append(std::string_view lines);
  void reopen() { reopen_ = true; }

 private:
  Error error(std::string_view what) const;
  Result<void> open();
  void close();
  bool moved_away() const;
  Result<bool> due() const;
  void rotate();

  const RotationSettings settings_;
  Clock& clock_;
  int fd_ = -1;
  std::atomic<bool> reopen_{false};
};

}  // namespace godwit::store
