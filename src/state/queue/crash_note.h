#pragma once
// Which message a loop was working on when the process died by its own fault: SIGSEGV, SIGABRT (a failed GODWIT_CHECK too),
// SIGBUS. The handler writes the id into a file opened beforehand and lets the signal take its course; at the next start the
// queue counts it (Message::crashes) and the second time holds the message. kill -9 and a power cut leave no note.
//
// Code that handles one message marks it with WorkingOn for as long as it runs WITHOUT awaiting: the mark is a thread's, and
// while a coroutine waits its thread works on another message.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/ids.h"
#include "base/result.h"

namespace godwit::queue {

class WorkingOn {
 public:
  explicit WorkingOn(MessageId id);
  ~WorkingOn();
  WorkingOn(const WorkingOn&) = delete;
  WorkingOn& operator=(const WorkingOn&) = delete;

 private:
  std::uint64_t before_;
};

// One a process: owns the handlers (the ones before come back with its end) and the file. Create it before threads start.
class CrashNote {
 public:
  // Opens or makes `file` (8 bytes, big-endian id; mode 0600) and installs the handlers.
  static Result<std::unique_ptr<CrashNote>> open(const std::filesystem::path& file);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

  // What the last run left, until clear().
  std::optional<MessageId> left() const { return left_; }
  // The note has been counted durably.
  Result<void> clear();

 private:
  explicit CrashNote(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  std::optional<MessageId> left_;
};

}  // namespace godwit::queue
