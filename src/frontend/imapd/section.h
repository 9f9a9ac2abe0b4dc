#pragma once
// The bytes that BODY[...], BINARY[...], BINARY.SIZE[...] and RFC822... mean (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 3516 4): where they stand
// in the message, and a stream that gives them in pieces, decoded or with the header fields picked out. Never a whole message in memory.
//
// Owned by the FETCH under way, one loop.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "frontend/imapd/header_filter.h"
#include "grammar/imap/dialect.h"
#include "grammar/imap/fetch_item.h"
#include "grammar/message/mime.h"
#include "state/mailbox/message_bytes.h"

namespace godwit::imapd {

// What must be known of a message to find an item's bytes.
enum class SectionNeeds : std::uint8_t { nothing, header_end, structure };
SectionNeeds needs_of(const imap::FetchItem& item);  // that has bytes: rfc822, rfc822_header, rfc822_text, body, binary, binary_size

// A structure good for items that need no more than the header's end.
message::Structure plain_structure(std::uint64_t header_end, std::uint64_t size);

struct Located {
  enum class Form : std::uint8_t {
    missing,           // no such part, or one without that header: NIL
    raw,               // as the bytes are
    fields,            // the range is a header, the item's fields come out
    decoded,           // BINARY
    unknown_encoding,  // RFC 3516 4.3: NO [UNKNOWN-CTE]
    composite,         // RFC 9051 6.4.5: BINARY is for leaves
  } form = Form::missing;
  message::ByteRange range;
  message::TransferEncoding encoding = message::TransferEncoding::seven_bit;  // of `decoded`
  bool operator==(const Located&) const = default;
};

// BINARY[] is the message as it is. Parts that are made of parts have no encoding of their own (RFC 2045 6.4): BINARY gives them as they
// are; IMAP4rev2 refuses them.
Located locate(const imap::FetchItem& item, const message::Structure& structure, const imap::Dialect& dialect);

// The message's bytes through a window, so that several items of a header cost one read. `blobs` and `email` outlive it.
class MessageReader {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;
  static constexpr std::size_t kHeaderPiece = 16 * 1024;

  MessageReader(store::Blobs& blobs, const mailbox::Email& email) : blobs_(blobs), email_(email) {}

  const mailbox::Email& email() const { return email_; }
  std::uint64_t size() const { return email_.size(); }
  // What there is from `offset` on, at least a byte, none from `end` on (offset < end <= size()). Good until the next call. `corrupt`: the
  // message is shorter than it was, too.
  Task<Result<std::string_view>> read(std::uint64_t offset, std::uint64_t end);
  Task<Result<std::uint64_t>> header_end();  // found once

 private:
  store::Blobs& blobs_;
  const mailbox::Email& email_;
  std::uint64_t window_begin_ = 0;
  std::string window_;
  std::optional<std::uint64_t> header_end_;
};

class DecodingPlace;  // decoding_place.h

// One item's bytes: prepare(), then append_next() until nothing is left. `reader` and `item` outlive it; other items may read in between.
//
// A literal cannot hold a NUL (RFC 9051 9, CHAR8): except in BINARY, which has literal8, 0x80 goes out in its place, so sizes and offsets
// stay.
class SectionStream {
 public:
  static constexpr std::size_t kMaxKept = 64 * 1024;  // made once if that holds it, else a second time to be sent

  // `located`: raw, fields or decoded. `place`, which outlives it, is where a partial BINARY goes on from, and is told how far it came.
  SectionStream(MessageReader& reader, const Located& located, const imap::FetchItem& item, DecodingPlace* place = nullptr);

  // Finds size() and has_nul(), and sees that the bytes can be read: all of them where they must be counted, else the first ones.
  Task<Result<void>> prepare();
  std::uint64_t size() const { return size_; }  // that will come: cut by the item's partial
  bool has_nul() const { return has_nul_; }     // known for BINARY alone
  std::uint64_t left() const { return size_ - given_; }
  // Appends the next 64 KiB or less. `corrupt` when there is less than size().
  Task<Result<void>> append_next(std::string& out);

 private:
  void rewind();
  void find_beginning();
  Task<Result<void>> prepare_filtered();
  Task<Result<bool>> step(std::string& out);  // a piece through the filter; false: it was the last
  void filter(std::string_view bytes, std::string& out);
  void finish_filter(std::string& out);
  bool filter_done() const;

  MessageReader& reader_;
  const Located located_;
  const imap::FetchItem& item_;
  const bool binary_;
  DecodingPlace* const place_;    // null: nobody reads on
  std::uint64_t want_begin_ = 0;  // of what the filter gives
  std::uint64_t want_end_ = UINT64_MAX;
  std::uint64_t begin_position_ = 0;  // what is in front of it need not be decoded: where a pass begins, and what it has produced there
  std::uint64_t begin_produced_ = 0;
  std::optional<message::ContentDecoder> begin_decoder_;  // nothing: a new one
  std::variant<std::monostate, message::ContentDecoder, HeaderFilter> filter_;
  std::uint64_t position_ = 0;  // in the message
  std::uint64_t produced_ = 0;  // by the filter
  std::string piece_;
  std::optional<std::string> kept_;  // all that is to be sent
  std::uint64_t size_ = 0;
  std::uint64_t given_ = 0;
  bool has_nul_ = false;
};

}  // namespace godwit::imapd
