#pragma once
// Messages by id alone, each with a moment: found by id in O(1), the earliest moment in O(log n), and chained into lists by whoever
// needs an order of his own. About 45 bytes a message. No clock, no I/O. One loop.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace godwit::scheduler {

class Agenda {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  struct Node {
    MessageId id;
    WallTime when{};
    Index next = kNone;  // in a list
    Index prev = kNone;
    Index place = 0;             // in the heap
    std::uint32_t mark = kNone;  // the owner's own: which list it is in
  };
  struct List {
    Index first = kNone;
    Index last = kNone;
    std::uint32_t size = 0;
  };

  std::size_t size() const { return heap_.size(); }
  Index find(MessageId id) const;
  // `id` is new.
  Index add(MessageId id, WallTime when);
  // It is in no list.
  void erase(Index index);
  void set_when(Index index, WallTime when);
  // kNone: there is nothing.
  Index earliest() const { return heap_.empty() ? kNone : heap_.front(); }

  Node& operator[](Index index) { return chunks_[index / kChunk][index % kChunk]; }
  const Node& operator[](Index index) const { return chunks_[index / kChunk][index % kChunk]; }

  void push_back(List& list, Index index);
  void remove(List& list, Index index);
  // Everything of `from` behind `to`.
  void append(List& to, List& from);

 private:
  static constexpr std::size_t kChunk = 4096;

  std::size_t home(MessageId id) const { return std::hash<MessageId>()(id) >> shift_; }
  void grow_table();
  void enter(Index index);
  void leave(MessageId id);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, Index index);

  std::vector<std::unique_ptr<Node[]>> chunks_;
  std::size_t used_ = 0;      // nodes that have been given out ever
  Index free_ = kNone;        // chained by `next`
  std::vector<Index> heap_;   // binary, the earliest first
  std::vector<Index> table_;  // open addressing, a power of two
  unsigned shift_ = 64;
};

}  // namespace godwit::scheduler
