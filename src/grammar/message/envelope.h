#pragma once
// ENVELOPE of a message (RFC 3501 7.4.2, RFC 9051 7.5.2) from its header. Pure functions, values; any thread.
//
// Nothing fails here: an address that RFC 5322 cannot read (with its obsolete forms) is taken apart as well as it goes, and the ones beside
// it are not hurt. Linear in time. Values are raw: encoded words as they are, 8-bit as it came; line ends, CR and NUL taken out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::message {

class FieldCollector;

// One entry of an address list. RFC 3501 7.4.2: in IMAP a group's begin and end are entries of their own, with a NIL host.
struct EnvelopeAddress {
  enum class Kind : std::uint8_t { mailbox, group_begin, group_end } kind = Kind::mailbox;
  std::string name;     // personal name, unquoted; the comment if there is no phrase. Empty: NIL
  std::string route;    // at-domain-list. Empty: NIL
  std::string mailbox;  // local part, unquoted; of group_begin the group's name
  std::string host;     // may be empty for a broken mailbox: write "" then and not NIL, which would begin a group
  bool operator==(const EnvelopeAddress&) const = default;
};

struct Envelope {
  // Null: there is no such field (NIL). Empty: there is, with nothing in it ("").
  std::optional<std::string> date;  // as written; parse_date() reads it
  std::optional<std::string> subject;
  std::vector<EnvelopeAddress> from;
  std::vector<EnvelopeAddress> sender;    // as written: IMAP shows sender_or_from()
  std::vector<EnvelopeAddress> reply_to;  // IMAP shows reply_to_or_from()
  std::vector<EnvelopeAddress> to;
  std::vector<EnvelopeAddress> cc;
  std::vector<EnvelopeAddress> bcc;
  std::optional<std::string> in_reply_to;
  std::optional<std::string> message_id;

  // RFC 3501 7.4.2: where Sender or Reply-To is absent or empty, From stands in.
  const std::vector<EnvelopeAddress>& sender_or_from() const { return sender.empty() ? from : sender; }
  const std::vector<EnvelopeAddress>& reply_to_or_from() const { return reply_to.empty() ? from : reply_to; }
  bool operator==(const Envelope&) const = default;
};

inline constexpr std::size_t kMaxEnvelopeAddresses = 4'096;  // of one field; what follows is left out
inline constexpr std::size_t kMaxEnvelopeText = 64 * 1024;   // of one address field; what follows is left out
inline constexpr std::size_t kMaxMessageIds = 1'000;         // of one field

// From a header's bytes, up to its end or an empty line. Limits as in FieldCollector (32 KiB a text, 64 KiB addresses).
Envelope parse_envelope(std::string_view header);
Envelope make_envelope(const FieldCollector& fields);  // that has ended

// A field's body, folded or not. Empty groups and members of groups come as IMAP shows them; each group_begin has its group_end.
std::vector<EnvelopeAddress> parse_envelope_addresses(std::string_view value);

// The msg-ids of Message-ID, In-Reply-To, References (RFC 5322 3.6.4, 4.5.4), for threading: what stands between < and >, without
// white space and comments, quotes resolved. Phrases and what is no msg-id are passed over.
std::vector<std::string> parse_message_ids(std::string_view value);

}  // namespace godwit::message
