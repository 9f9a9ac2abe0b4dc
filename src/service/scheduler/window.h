#pragma once
// Which messages of a loop are in memory, and why. All others are known by id alone (lineup.h). Bookkeeping: no I/O, no waiting. One loop.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "service/scheduler/destinations.h"
#include "service/scheduler/scheduler.h"

namespace godwit::scheduler {

struct Entry {
  enum class State : std::uint8_t {
    ready,  // just accepted, and in memory though its turn is to come: may be put out of it at any time
    next,   // tried as soon as there is a slot
    attempting,
    acting,  // an administrator's action is under way
  };
  State state = State::ready;               // changed by Window::set() alone
  std::shared_ptr<queue::Message> message;  // null: its rows are being read
  struct Asked {
    Scheduler::Action action;
    std::string why;
  };
  std::optional<Asked> asked;  // while attempting: done as outcomes are recorded, what is out at the end of the round
  WallTime since{};            // of the attempt
  Place place = kNowhere;      // where it counts as in work, until its jobs do
  bool must = false;           // its moment has come: it is tried even if its site is down
  std::string site;            // the attempt found that this one takes nothing now: it is lined up there
  bool suspended = false;      // all that is due of it
  Duration again{};            // it could not be read: not before that time has passed
};

class Window {
 public:
  Entry* find(MessageId id);
  Entry& insert(MessageId id, Entry entry);
  void erase(MessageId id);
  void set(Entry& entry, Entry::State state);

  std::size_t in_memory() const { return entries_.size(); }
  std::size_t in_work() const { return entries_.size() - ready_; }
  // Puts out the ready message that came first; false: there is none.
  bool put_out();

 private:
  bool is_ready(MessageId id) const;

  std::unordered_map<MessageId, Entry> entries_;
  std::deque<MessageId> came_;  // ready ones in order, and some that are no longer
  std::size_t ready_ = 0;
};

}  // namespace godwit::scheduler
