#include "service/scheduler/agenda.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/result.h"

namespace godwit::scheduler {

Agenda::Index Agenda::find(MessageId id) const {
  if (table_.empty()) return kNone;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = home(id); table_[at] != kNone; at = (at + 1) & mask)
    if ((*this)[table_[at]].id == id) return table_[at];
  return kNone;
}

Agenda::Index Agenda::add(MessageId id, WallTime when) {
  Index index = free_;
  if (index != kNone) {
    free_ = (*this)[index].next;
  } else {
    if (used_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<Node[]>(kChunk));
    index = static_cast<Index>(used_++);
  }
  Node& node = (*this)[index];
  node = {};
  node.id = id;
  node.when = when;
  heap_.push_back(index);
  if (heap_.size() * 4 > table_.size() * 3)
    grow_table();
  else
    enter(index);
  sift_up(heap_.size() - 1);
  return index;
}

void Agenda::erase(Index index) {
  Node& node = (*this)[index];
  leave(node.id);
  const std::size_t place = node.place;
  const Index last = heap_.back();
  heap_.pop_back();
  if (last != index) {
    put(place, last);
    sift_up(place);
    sift_down((*this)[last].place);
  }
  node.next = free_;
  free_ = index;
}

void Agenda::set_when(Index index, WallTime when) {
  (*this)[index].when = when;
  sift_up((*this)[index].place);
  sift_down((*this)[index].place);
}

void Agenda::push_back(List& list, Index index) {
  Node& node = (*this)[index];
  node.prev = list.last;
  node.next = kNone;
  (list.last == kNone ? list.first : (*this)[list.last].next) = index;
  list.last = index;
  ++list.size;
}

void Agenda::remove(List& list, Index index) {
  Node& node = (*this)[index];
  (node.prev == kNone ? list.first : (*this)[node.prev].next) = node.next;
  (node.next == kNone ? list.last : (*this)[node.next].prev) = node.prev;
  node.next = node.prev = kNone;
  --list.size;
}

void Agenda::append(List& to, List& from) {
  if (from.size == 0) return;
  if (to.size == 0) {
    to = std::exchange(from, {});
    return;
  }
  (*this)[to.last].next = from.first;
  (*this)[from.first].prev = to.last;
  to.last = from.last;
  to.size += std::exchange(from, {}).size;
}

void Agenda::grow_table() {
  const std::size_t size = std::max<std::size_t>(table_.size() * 2, 64);
  table_.assign(size, kNone);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(size));
  for (const Index index : heap_) enter(index);
}

void Agenda::enter(Index index) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = home((*this)[index].id);
  while (table_[at] != kNone) at = (at + 1) & mask;
  table_[at] = index;
}

// Those behind it that would no longer be found move up.
void Agenda::leave(MessageId id) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home(id);
  while ((*this)[table_[hole]].id != id) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; table_[at] != kNone; at = (at + 1) & mask) {
    const std::size_t wanted = home((*this)[table_[at]].id);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = kNone;
}

void Agenda::put(std::size_t place, Index index) {
  heap_[place] = index;
  (*this)[index].place = static_cast<Index>(place);
}

void Agenda::sift_up(std::size_t place) {
  const Index index = heap_[place];
  const WallTime when = (*this)[index].when;
  while (place > 0) {
    const std::size_t above = (place - 1) / 2;
    if ((*this)[heap_[above]].when <= when) break;
    put(place, heap_[above]);
    place = above;
  }
  put(place, index);
}

void Agenda::sift_down(std::size_t place) {
  const Index index = heap_[place];
  const WallTime when = (*this)[index].when;
  while (true) {
    std::size_t below = place * 2 + 1;
    if (below >= heap_.size()) break;
    if (below + 1 < heap_.size() && (*this)[heap_[below + 1]].when < (*this)[heap_[below]].when) ++below;
    if ((*this)[heap_[below]].when >= when) break;
    put(place, heap_[below]);
    place = below;
  }
  put(place, index);
}

}  // namespace godwit::scheduler
