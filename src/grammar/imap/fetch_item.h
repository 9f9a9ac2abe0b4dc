#pragma once
// What a FETCH asks for: RFC 9051 6.4.5, RFC 3501 6.4.5 (RFC822...), RFC 3516 (BINARY), RFC 7162 (MODSEQ), RFC 8474 (EMAILID, THREADID),
// RFC 8514 (SAVEDATE), RFC 8970 (PREVIEW). Values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace godwit::imap {

// BODY[...] without the brackets.
struct Section {
  enum class Text : std::uint8_t { whole, header, header_fields, header_fields_not, text, mime };

  std::vector<std::uint32_t> part;  // "1.2.3"; empty: the message. At most kMaxPartDepth
  Text text = Text::whole;          // mime only with a part
  std::vector<std::string> fields;  // header_fields, header_fields_not: as written, at least one
  bool operator==(const Section&) const = default;
};

struct Partial {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;  // at least 1
  bool operator==(const Partial&) const = default;
};

struct FetchItem {
  enum class Kind : std::uint8_t {
    envelope,
    flags,
    internal_date,
    rfc822,
    rfc822_header,
    rfc822_text,
    rfc822_size,
    body_structure,  // BODYSTRUCTURE
    body_basic,      // BODY without a section: the structure without its extensions
    body,            // BODY[...], BODY.PEEK[...]
    binary,          // BINARY[...], BINARY.PEEK[...]
    binary_size,
    uid,
    modseq,
    email_id,
    thread_id,
    save_date,
    preview,
  };

  Kind kind = Kind::uid;
  bool peek = false;               // body, binary
  bool lazy = false;               // preview
  Section section;                 // body; binary and binary_size have only a part
  std::optional<Partial> partial;  // body, binary
  bool operator==(const FetchItem&) const = default;

  // RFC 9051 6.4.5: fetching this sets \Seen.
  bool sets_seen() const {
    return kind == Kind::rfc822 || kind == Kind::rfc822_text || ((kind == Kind::body || kind == Kind::binary) && !peek);
  }
};

}  // namespace godwit::imap
