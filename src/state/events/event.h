#pragma once
// What is told to the outside about a message: one event, a plain value. docs/operator/events.md says what each means.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace godwit::events {

// on disk: do not change the numbers (docs/formats/events.md)
enum class Type : std::uint8_t {
  accepted = 1,   // 250 was, or is about to be, given for it
  delivered = 2,  // the next hop or the mailbox has it
  deferred = 3,   // not this time; tried again
  bounced = 4,    // refused for good: returned to the sender
  expired = 5,    // tried for too long: returned to the sender
  held = 6,       // kept until an administrator says otherwise
  released = 7,
  dropped = 8,  // thrown away by an administrator, a route or an expansion
  alert = 9,    // no message's: something that a person should look at
};
std::string_view to_string(Type type);
std::optional<Type> parse_type(std::string_view name);
inline constexpr std::array kTypes{Type::accepted, Type::delivered, Type::deferred, Type::bounced, Type::expired,
                                   Type::held,     Type::released,  Type::dropped,  Type::alert};

// A set of types, a bit each.
using TypeSet = std::uint32_t;
inline constexpr TypeSet kAllTypes = ~TypeSet{0};
constexpr TypeSet bit(Type type) { return TypeSet{1} << static_cast<unsigned>(type); }

// The texts that an event may carry; empty ones are left out. on disk: do not change the numbers
enum class Text : std::uint8_t {
  message_id = 1,  // header Message-ID, with its angle brackets
  tenant = 2,
  account = 3,  // that submitted it
  sender = 4,   // reverse path; empty for <>
  recipient = 5,
  original = 6,  // RCPT TO as given, where an alias led to `recipient`
  site = 7,      // the pool of connections that it goes through
  source = 8,    // the address that it left from
  remote = 9,    // who said so: "mx.example.net [192.0.2.1]:25", "local"
  status = 10,   // RFC 3463
  reply = 11,    // the remote's own words
  reason = 12,   // a sentence for a person
  reply_class = 13,
  client = 14,  // who handed it in
  session = 15,
  tls = 16,    // of the connection that it came or went by
  alert = 17,  // name of the alert
};
inline constexpr std::size_t kTexts = 18;

struct Draft;

// An event out of the stream.
struct Event {
  MessageId id;  // of the event: unique, ordered, the same whenever it is sent again
  Type type = Type::accepted;
  WallTime time{};
  MessageId message;  // 0: none
  std::array<std::string, kTexts> texts;
  std::vector<std::string> recipients;  // accepted, held: the first of them
  std::uint64_t recipient_count = 0;    // all of them
  std::uint64_t size = 0;
  std::uint64_t attempt = 0;
  WallTime next_attempt{};

  const std::string& operator[](Text text) const { return texts[static_cast<std::size_t>(text)]; }
};

// An event on its way into the stream: views of what the caller has at hand, copied by Stream::add().
struct Draft {
  Type type = Type::accepted;
  MessageId message;
  std::array<std::string_view, kTexts> texts{};
  std::span<const std::string> recipients{};
  std::uint64_t recipient_count = 0;
  std::uint64_t size = 0;
  std::uint64_t attempt = 0;
  WallTime next_attempt{};

  std::string_view& operator[](Text text) { return texts[static_cast<std::size_t>(text)]; }
};

}  // namespace godwit::events
