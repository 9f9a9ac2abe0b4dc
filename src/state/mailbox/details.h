#pragma once
// What readers ask of an email again and again: envelope, MIME structure, preview. Worked out from the bytes when first wanted, then kept
// in a row of its own (docs/formats/mailbox.md, `d`), never in the email's.

#include <optional>
#include <string>
#include <vector>

#include "grammar/message/mime.h"
#include "state/mailbox/email.h"

namespace godwit::mailbox {

struct Details {
  // Which to fill in; what is not asked for is not decoded. kHeading: of the envelope date, subject and Message-ID alone, which is
  // all that most of SORT and THREAD ask for and costs a fraction.
  enum Want : std::uint8_t { kEnvelope = 1, kStructure = 2, kPreview = 4, kReferences = 8, kHeading = 16 };

  message::Envelope envelope;           // of the message itself: parts[0].envelope is none
  message::Structure structure;         // of all its parts, with the envelopes of embedded messages
  std::string preview;                  // RFC 8970: at most 256 characters of UTF-8, one line
  std::vector<std::string> references;  // msg-ids of References, or the first of In-Reply-To where it has none: RFC 5256 3
};

inline constexpr std::size_t kMaxKept = 48 * 1024;           // a row; larger details are worked out anew each time
inline constexpr std::size_t kEnoughForPreview = 16 * 1024;  // of a part's body

// For the row. Pure functions. Errors: `corrupt`; `unsupported` for a row of another release.
std::string encode_details(const Details& details);
Result<Details> decode_details(std::string_view row, std::uint8_t want);

}  // namespace godwit::mailbox
