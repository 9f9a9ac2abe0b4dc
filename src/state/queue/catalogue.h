#pragma once
// What is queued, known by heart: one small card a message, so that fair shares, summaries and filters never read rows.
//
// One catalogue a loop, of all its shards, on that loop alone (Queue::catalogue()). The queue keeps it: accept(), update() and complete()
// put, change and take away cards as their rows are written; after a start Queue::fill() reads the rows in the background, a page at
// a time, fresh ones first. It is derived: nothing of it is stored. About 60 bytes a message, and each distinct name once.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "state/queue/index_table.h"
#include "state/queue/message.h"

namespace godwit::queue {

// A name that many cards share. 0 is the empty one.
using NameId = std::uint32_t;

// Counted strings: a name is forgotten with its last card.
class Names {
 public:
  NameId acquire(std::string_view text);
  void acquire(NameId id);
  void release(NameId id);
  std::string_view text(NameId id) const { return slots_[id].text; }
  // 0 for what no card has.
  NameId find(std::string_view text) const;
  std::size_t size() const { return size_; }
  // Numbers are below this.
  std::size_t bound() const { return slots_.size(); }

 private:
  struct Slot {
    std::string text;
    std::uint32_t uses = 0;
  };
  static std::uint64_t hash(std::string_view text);

  std::deque<Slot> slots_{1};  // they do not move
  std::vector<NameId> free_;
  IndexTable ids_;
  std::size_t size_ = 0;
};

// The class where nothing was said: nobody was there.
inline constexpr std::string_view kSiteDown = "site_down";

struct Card {
  MessageId id;
  WallTime due{};  // of its next attempt: fresh ones at once (WallTime{}); kNever while it is held
  NameId tenant = 0;
  NameId sender = 0;            // the account that submitted it, else its reverse path ("" for <>)
  NameId from = 0;              // its reverse path
  NameId domain = 0;            // of its first pending recipient, lower case
  NameId reason = 0;            // class of the last refusal ("greylisted"), of the first pending recipient; "" before one
  std::uint32_t pending = 0;    // recipients
  std::uint32_t kilobytes = 0;  // of the message, rounded up
  std::uint8_t priority = 0;    // as kept (priority.h)
  bool fresh = false;           // never tried
  bool held = false;
  bool several = false;  // pending recipients are of several domains: a filter by domain has to read the message
};
static_assert(sizeof(Card) == 48);

// A card in words: what puts one in.
struct CardText {
  MessageId id;
  WallTime due{};
  std::string_view tenant;
  std::string_view sender;
  std::string_view from;
  std::string_view domain;
  std::string_view reason;
  std::uint32_t pending = 0;
  std::uint64_t size = 0;  // bytes
  std::uint8_t priority = 0;
  bool fresh = false;
  bool held = false;
  bool several = false;
};

class Catalogue {
 public:
  // Told of each card that is new or has changed (`before` is null for a new one), and of each that goes. Within the call that
  // changed it: no card may be changed from there.
  struct Listener {
    virtual ~Listener() = default;
    virtual void changed(const Card& now, const Card* before) = 0;
    virtual void gone(const Card& card) = 0;
  };
  // Whoever comes late reads what is there with each().
  void listen(Listener* listener) { listener_ = listener; }

  // A card does not move while it is there.
  const Card* find(MessageId id) const;
  std::size_t size() const { return size_; }
  const Names& names() const { return names_; }
  // Every message that has rows has a card, but for what is damaged for good: the start has read them all.
  bool complete() const { return complete_; }
  void each(const std::function<void(const Card&)>& visit) const;
  // A slice of at most `most` places from `from` on; returns where the next one begins, nothing when it was the last. A message that
  // is there all the while is met once; others may be or not.
  std::optional<std::size_t> each(std::size_t from, std::size_t most, const std::function<void(const Card&)>& visit) const;
  // Of its own, names with it.
  std::size_t bytes() const;

  // For the queue alone.
  void put(const Message& message, WallTime due, bool fresh);
  void put(const CardText& text);
  void erase(MessageId id);
  // While a page of rows is read: what has a card by then is newer than its row, and what has gone meanwhile stays away.
  void begin_read();
  void put_read(const CardText& text);
  void end_read();
  void set_complete() { complete_ = true; }

 private:
  static constexpr std::size_t kChunk = 4'096;

  Card& at(IndexTable::Index index) { return chunks_[index / kChunk][index % kChunk]; }
  const Card& at(IndexTable::Index index) const { return chunks_[index / kChunk][index % kChunk]; }
  IndexTable::Index index_of(MessageId id) const;
  IndexTable::Index new_place();
  Card make_card(const CardText& text);
  void release_names(const Card& card);

  Names names_;
  std::vector<std::unique_ptr<Card[]>> chunks_;
  std::vector<IndexTable::Index> free_;
  IndexTable table_;
  std::size_t used_ = 0;  // places that were given out ever
  std::size_t size_ = 0;
  Listener* listener_ = nullptr;
  std::unordered_set<MessageId> gone_;  // while a page is read
  bool reading_ = false;
  bool complete_ = false;
};

}  // namespace godwit::queue
