#pragma once
// Rows as releases before 0.2 wrote them, for the conversion: a message was a row (`s`), its last change or its expunge another (`c`).
// Pure functions, any thread.

#include <optional>
#include <string_view>

#include "state/mailbox/rows.h"

namespace godwit::mailbox {

inline constexpr std::string_view kAllEarlierMessages = "s";  // mailbox(4) uid(4)

struct EarlierMessage {
  Membership row;        // without `created`
  bool is_dated = true;  // else the dates are the email's
};
Result<Place> parse_earlier_message_key(std::string_view key);
Result<EarlierMessage> decode_earlier_message(std::string_view value);

// Whether a row `c` is of that kind; then what it expunged, nothing if it says that a message came or changed.
bool is_earlier_change(std::string_view value);
Result<std::optional<ExpungedRow>> decode_earlier_change(std::string_view value);

}  // namespace godwit::mailbox
