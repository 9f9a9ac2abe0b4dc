#pragma once
// The sweeper: deadlines of all operations on one loop, looked at once a second.
//
// A timer per read costs half as much CPU again as the read itself, so an operation links itself into an intrusive list
// instead, and one timer a loop, running only while the list holds something, ends what is overdue. A deadline of a
// second or more is therefore met up to a second late; a shorter one is met in time. Internal to edge/net; one loop.

#include <chrono>

#include "base/clock.h"
#include "base/task.h"

namespace godwit::net {

// Something that must end by a moment. Lives where the operation lives; its destructor takes it off the list.
class Deadline {
 public:
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 protected:
  Deadline() = default;
  virtual ~Deadline();

 private:
  friend class Sweeper;
  // The time has come. Off the list already; must not end other deadlines before it returns (cancelling posts).
  virtual void expire() = 0;

  Deadline* previous_ = nullptr;  // null = not on a list
  Deadline* next_ = nullptr;
  std::chrono::steady_clock::time_point when_;
};

class Sweeper {
 public:
  // The one of the executor's loop, made at the first use; it lives as long as the loop.
  static Sweeper& of(const Executor& executor);

  virtual void add(Deadline& deadline, Duration timeout) = 0;

 protected:
  ~Sweeper() = default;
  static void insert(Deadline& list, Deadline& deadline, std::chrono::steady_clock::time_point when);
  static void remove(Deadline& deadline);
  static Deadline* next(const Deadline& deadline) { return deadline.next_; }
  static std::chrono::steady_clock::time_point when(const Deadline& deadline) { return deadline.when_; }
  static void expire(Deadline& deadline) { deadline.expire(); }

 private:
  friend class Deadline;
};

}  // namespace godwit::net
