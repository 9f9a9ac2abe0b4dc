#pragma once
// Which header fields a signature covers (RFC 6376 5.4). Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "check/dkim/header_fields.h"

namespace godwit::dkim {

struct FieldRule {
  enum class Cover : std::uint8_t {
    always,        // all there are and one more: nobody can add one unseen, even where there is none
    more,          // the same, where there is at least one
    when_present,  // all there are
  };
  std::string name;  // as it is written in h=
  Cover cover = Cover::always;
};

// What we sign unless told otherwise, and why:
// - always: what readers are shown as author, recipients, subject and date, where replies go, what threads are made of, and
//   what decides how the body is read. RFC 5322 3.6 and RFC 2045 allow each of them once: whoever adds a second one shows the reader a
//   text that was not written, under a signature that holds (RFC 6376 8.15).
// - more: List-* (RFC 2369, 2919, 8058: List-Unsubscribe-Post wants both under a signature), the fields that make a
//   mail program act (MDN, RFC 8098; feedback, RFC 9477), and further Content-* fields. Where the message has one, a second one would
//   be a trap; where it has none they stay free: a list that passes a message on unchanged adds its own List-*.
// - when_present: Sender, Resent-* and the like, which later hands may put on top by right (RFC 5322 3.6.6).
// Not signed: what is changed or removed on the way (Return-Path, Received, Bcc), what anybody may repeat (Comments, Keywords:
// RFC 6376 5.4.1), Authentication-Results (RFC 8601 5 lets receivers remove it), DKIM-Signature (RFC 6376 4.2: unadvised), X-*.
const std::vector<FieldRule>& default_field_rules();

// h= of a message with this header, in the order of the rules. A permanent error (`limit`) where a field stands in it more than
// kMaxInstances times.
inline constexpr std::size_t kMaxInstances = 50;
godwit::Result<std::vector<std::string>> choose_fields(const HeaderFields& header, const std::vector<FieldRule>& rules);

}  // namespace godwit::dkim
