#pragma once
// Which messages of a loop are in memory and why, and how far its shards' rows have been read. Bookkeeping alone: no I/O, no
// waiting. One loop.
//
// What is not in here is found again by reading: fresh rows from a cursor, waiting ones from the due index. Two rules keep
// that true: a message that is passed over or put off moves the cursor back before itself, and a message that ends while a
// read is under way is remembered until that read has been looked through, because the read may still show it.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "service/scheduler/scheduler.h"

namespace godwit::scheduler {

struct Entry {
  enum class State : std::uint8_t {
    ready,  // waits for its attempt
    attempting,
    acting,  // an administrator's action is under way
    parked,  // known by id alone: its site has enough to do (Sites)
  };
  State state = State::ready;
  std::shared_ptr<queue::Message> message;
  struct Asked {
    Scheduler::Action action;
    std::string why;
  };
  std::optional<Asked> asked;  // while attempting: done as outcomes are recorded, what is out at the end of the round
  WallTime since{};            // of the attempt
};

// How far a shard has been read.
struct Cursor {
  Shard shard = 0;
  bool fresh_left = true;  // there may be fresh rows behind `fresh_after`
  std::optional<MessageId> fresh_after;
  std::optional<queue::DueEntry> due_after;       // everything up to here has been taken into memory or dealt with
  std::optional<WallTime> next_due = WallTime{};  // of the first entry behind; nothing: there is none
  std::optional<MessageId> fresh_noted;           // lowest put off, and lowest entered, since the read under way began
  std::optional<queue::DueEntry> due_noted;
};

class Window {
 public:
  // Shards as the queue has them that belong to loop `loop` of `loops`.
  void set_shards(const std::vector<Shard>& shards, std::size_t loop, std::size_t loops);

  Entry* find(MessageId id);
  // In memory, parked, or ended during the read under way: not to be taken from a row.
  bool is_known(MessageId id) const { return entries_.contains(id) || ended_.contains(id); }
  Entry& insert(MessageId id, Entry entry);
  void erase(MessageId id);
  void park(Entry& entry);
  void unpark(Entry& entry, std::shared_ptr<queue::Message> message);
  std::size_t in_memory() const { return in_memory_; }

  void push_ready(MessageId id) { ready_.push_back(id); }
  // The next ready entry, or nothing.
  Entry* pop_ready();

  // A fresh message was not taken into memory: it is read again later.
  void put_off(MessageId id);
  // A row was put into the due index.
  void note_due(MessageId id, WallTime due);

  std::vector<Cursor>& cursors() { return cursors_; }
  // Around each read of rows.
  void begin_read(Cursor& cursor);
  void end_read(Cursor& cursor);

  bool fresh_left() const;
  std::optional<WallTime> next_due() const;

 private:
  Cursor* cursor_of(MessageId id);

  std::unordered_map<MessageId, Entry> entries_;
  std::unordered_set<MessageId> ended_;
  std::deque<MessageId> ready_;
  std::vector<Cursor> cursors_;
  std::size_t in_memory_ = 0;
  bool reading_ = false;
};

}  // namespace godwit::scheduler
