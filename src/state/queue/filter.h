#pragma once
// Which messages are meant: what `godwit queue list --from X --older 2d` says. Everything given must hold. Texts are patterns (pattern.h).
// A card (catalogue.h) decides nearly always; where it cannot, the message is asked. Pure values; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "state/queue/catalogue.h"
#include "state/queue/priority.h"

namespace godwit::queue {

// The class of what has not been tried, and of what waits for another reason than a refusal.
inline constexpr std::string_view kUntried = "untried";
inline constexpr std::string_view kNoClass = "none";
std::string_view class_of(const Names& names, const Card& card);

struct Filter {
  std::optional<MessageId> id;
  std::string to;    // a pending recipient
  std::string from;  // reverse path; "<>": the null one
  std::string tenant;
  std::string domain;              // of a pending recipient
  std::string sender;              // the account that submitted it, or else the reverse path
  std::string reason;              // class of the last refusal
  std::optional<WallTime> before;  // accepted before
  std::optional<bool> held;
  std::optional<Urgency> urgency;

  bool any() const;
  enum class Answer : std::uint8_t { no, yes, ask };  // ask: matches(message) knows
  Answer matches(const Names& names, const Card& card) const;
  bool matches(const Message& message) const;
  // The part about recipients: `to` and `domain`.
  bool matches(const Recipient& recipient) const;
  // "from *@example.org, older than 2026-11-22T12:00:00Z", for people.
  std::string text() const;
};

}  // namespace godwit::queue
