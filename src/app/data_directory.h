#pragma once
// The data directory: made if missing, modes as in DESIGN.md, held under a lock by one process at a time.

#include <memory>
#include <string>

#include "base/result.h"

namespace godwit::app {

// Makes it (0711) with its parents (0755) if it is missing.
Result<void> make_data_directory(const std::string& path);

class DirectoryLock {
 public:
  // 0711 for the directory itself, so that control.sock can be reached; umask 077 for what is in it.
  // Errors: not writable (who owns it), held by another process (its pid).
  static Result<std::unique_ptr<DirectoryLock>> take(const std::string& data_dir);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace godwit::app
