#include "frontend/adminapi/waiting.h"

#include <fmt/format.h>

#include "base/units.h"
#include "grammar/dsn/explain.h"
#include "state/queue/owed_report.h"

namespace godwit::adminapi {
namespace {

using queue::Message;
using queue::Outcome;
using queue::Recipient;

bool is_held(const Message& message, const Recipient& recipient) { return message.held && recipient.state == Recipient::State::pending; }

bool is_being_tried(const Message& message, const Recipient& recipient, std::optional<WallTime> since) {
  return since && recipient.state == Recipient::State::pending && !message.held && recipient.next_attempt <= *since;
}

// "20:06:29"
std::string time_of_day(WallTime time) { return format_rfc3339(time).substr(std::string_view("2026-11-22T").size(), 8); }

std::string in_words(const Outcome& last) {
  std::string out = last.text;
  const bool outside = !last.remote.empty() && last.remote != "local";
  if (last.remote_reply.empty()) {
    if (outside && out.find(last.remote.substr(0, last.remote.find(' '))) == std::string::npos) out += " (" + last.remote + ")";
    return out;
  }
  out += fmt::format("{}{} says: {}", out.empty() ? "" : "; ", outside ? last.remote : "the server", last.remote_reply);
  // The remote's own words may be in any language and any humour; what its code means is not.
  const auto meaning = dsn::explain(last.status.text(), last.remote_reply);
  if (last.status.present() && last.status.subject != 0) out += fmt::format(" ({})", meaning.reason);
  return out;
}

}  // namespace

std::string why_it_waits(const Message& message, const Recipient& recipient, std::optional<WallTime> since) {
  if (is_held(message, recipient)) return "held: " + message.held_because;
  std::string last = in_words(recipient.last);
  if (queue::owes_report(recipient)) {
    const bool arrived = recipient.last.kind == queue::Outcome::Kind::delivered;
    return (arrived ? "it has arrived, the report that its sender asked for is still to be sent; "
                    : "it was refused, the report to its sender is still to be sent; ") +
           last;
  }
  if (is_being_tried(message, recipient, since))
    return fmt::format("being tried now, since {}{}{}", time_of_day(*since), last.empty() ? "" : "; before: ", last);
  if (!last.empty()) return last;
  return recipient.state == Recipient::State::pending ? "not tried yet" : "";
}

std::string next_try(const Message& message, const Recipient& recipient, WallTime now) {
  if (recipient.state != Recipient::State::pending) return {};
  if (is_held(message, recipient)) return "when released";
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(recipient.next_attempt - now);
  if (left.count() <= 0) return "now";
  return "in " + format_duration(left);
}

}  // namespace godwit::adminapi
