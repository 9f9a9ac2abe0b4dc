#pragma once
// What an administrator has laid down about the queue: mail that is suspended (nothing is tried until a time or until it is resumed), new
// mail that is held as it comes in, and actions on many messages that are still being carried out. Rows: docs/formats/queue.md.
//
// Rules is immutable: any thread. Queue::rules() has the current ones; rules_version() grows with each change, for whoever would rather
// not ask.
//
// Suspended mail uses up no attempts. It gets older all the same: delay notices are sent, and what expires is returned, saying so. So
// the moments of both are attempts as ever, and what such an attempt meets is the suspension.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/queue/filter.h"

namespace godwit::queue {

struct Rule {
  enum class Kind : std::uint8_t {
    suspend = 1,   // what matches is not tried
    hold_new = 2,  // what matches is held when it is accepted
    action = 3,    // is being carried out on what matches; until it comes to a message, that is not tried
  };
  enum class Action : std::uint8_t { none = 0, retry = 1, hold = 2, release = 3, drop = 4, reroute = 5 };

  std::uint64_t number = 0;
  Kind kind = Kind::suspend;
  Filter filter;
  std::string site;  // suspend: pattern of a site's name; then the filter has nothing else
  std::optional<WallTime> until;
  std::string why;
  WallTime made{};
  Action action = Action::none;
  MessageId up_to;       // action: messages after this one are not meant
  std::string next_hop;  // reroute: "smtp://host:25"; empty: back to what the routes say

  // "from *@example.org": what it is about.
  std::string text() const;
  bool is_over(WallTime now) const { return until && *until <= now; }
};

class Rules {
 public:
  static constexpr std::size_t kMost = 1'000;

  Rules() = default;
  explicit Rules(std::vector<Rule> all);

  bool empty() const { return all_.empty(); }
  const std::vector<Rule>& all() const { return all_; }
  const Rule* find(std::uint64_t number) const;

  // Before an attempt: the rule by which the message is not tried now, or null. What the card cannot tell (some recipients are of
  // a suspended domain, others are not) is null here: the recipients are asked one by one when the round is planned. Held messages are
  // not tried either way.
  const Rule* suspended(const Names& names, const Card& card, WallTime now) const;
  const Rule* suspended(const Message& message, const Recipient& recipient, WallTime now) const;
  const Rule* suspended_site(std::string_view site, WallTime now) const;

  // The rule by which a message that is being accepted is held, or null.
  const Rule* holds_new(const Message& message) const;

 private:
  std::vector<Rule> all_;
  bool suspends_ = false;
  bool suspends_sites_ = false;
  bool holds_new_ = false;
};

// "suspended by the administrator (from *@example.org): too many complaints": what an attempt that meets it is told.
std::string suspension_text(const Rule& rule);

}  // namespace godwit::queue
