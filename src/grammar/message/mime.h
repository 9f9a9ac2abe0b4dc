#pragma once
// The MIME structure of a message (RFC 2045, 2046, 6532): its parts in one vector, each with offsets into the bytes, so that IMAP's
// BODYSTRUCTURE and BODY[...] (RFC 3501 6.4.5, RFC 9051 6.4.5) need no second look and no decoding.
//
// MimeParser is fed with the message as it streams by, cut anywhere; the segmentation makes no difference. It never fails: broken mail has
// a structure too, and flags say what was found. Line ends are LF or CRLF, also mixed; a bare CR is none. A header ends at the first empty
// line and nowhere else (as for HeaderScanner); lines in it that are no fields are passed over. Time is linear.
//
// Which bytes belong to what (RFC 2046 5.1.1): the line end before a boundary line is the boundary's, unless it ended a header line. So
// a body has no last line end of its own, and a header always has its own, the empty line included where there is one. A boundary line
// begins with "--" and the boundary, whatever follows (5.1.1: "an exact match of the entire candidate line is not required"). Where
// several boundaries match, one that fills the line goes first, then the longest, then the innermost; it ends all parts inside. Without a
// closing boundary a multipart ends where what contains it ends.
//
// Memory: what is kept of the parts (limits below) and one line; nothing grows with the size. Owned by one caller; values, any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/message/content_decoder.h"
#include "grammar/message/content_type.h"
#include "grammar/message/envelope.h"
#include "grammar/message/mime_fields.h"

namespace godwit::message {

// Beyond them nothing fails: see Part::limit and Part::header_cut.
inline constexpr std::size_t kMaxMimeParts = 16'384;          // nodes, embedded messages counted: the last holds the rest, whatever it is
inline constexpr std::uint32_t kMaxMimeDepth = 100;           // a composite part as deep as that is a leaf
inline constexpr std::size_t kMaxMimeText = 8 * 1024 * 1024;  // memory of fields and envelopes of all parts together
inline constexpr std::size_t kMaxHeaderLine = 64 * 1024;      // what is longer is cut
// per header: FieldCollector::kMaxHeaderFields, kMaxHeaderBytes, kMaxField; per field: kMaxParameters, kMaxLanguages

// A node: the message itself, an entity in a multipart, or a message in a message/rfc822 part (a node of its own below the part).
struct Part {
  enum class Kind : std::uint8_t {
    leaf,
    multipart,  // its children are its parts; there may be none
    message,    // message/rfc822, message/global: its one child is the message in it
  } kind = Kind::leaf;
  bool is_message = false;    // it has an envelope: the root, and the child of a `message`
  bool limit = false;         // a limit made a leaf of it
  bool no_boundary = false;   // a multipart without one: a leaf
  bool closed = false;        // multipart: its closing boundary was there
  bool header_ended = false;  // by an empty line
  bool header_cut = false;    // not all that was asked for is here
  bool type_given = false;    // by a readable Content-Type; else `type` is the default (text/plain; in a digest message/rfc822)

  std::uint32_t parent = 0;  // of the root 0
  std::uint32_t depth = 0;
  std::vector<std::uint32_t> children;  // in order; greater than the own index

  // Offsets into the message. The header's end, the empty line included, is body_begin.
  std::uint64_t header_begin = 0;
  std::uint64_t body_begin = 0;
  std::uint64_t body_end = 0;
  std::uint64_t header_lines = 0;  // line ends in the header, that of the empty line included
  std::uint64_t body_lines = 0;    // line ends in the body: a last line without one does not count

  ContentType type;
  TransferEncoding encoding = TransferEncoding::seven_bit;
  std::string encoding_name;  // as written; empty: no field, 7bit
  std::string id;             // Content-ID with its < >. These are unfolded and raw; empty: no field
  std::string description;
  std::string location;
  std::string md5;
  std::optional<Disposition> disposition;
  std::vector<std::string> languages;
  std::optional<std::uint32_t> envelope;  // index into Structure::envelopes

  std::uint64_t header_size() const { return body_begin - header_begin; }
  std::uint64_t body_size() const { return body_end - body_begin; }
  // Declared to be made of parts and not taken apart (a limit, no boundary, a message in base64: RFC 2046 5.2.1 forbids it): IMAP shows
  // it as application/octet-stream, for its grammar demands parts.
  bool opaque() const {
    return kind == Kind::leaf && (type.type == "multipart" || type.is("message", "rfc822") || type.is("message", "global"));
  }
  bool operator==(const Part&) const = default;
};

struct Structure {
  std::vector<Part> parts;  // in the order of their beginnings; parts[0] is the message
  std::vector<Envelope> envelopes;
  std::uint64_t size = 0;
  std::uint64_t lines = 0;
  bool limited = false;  // some part has `limit`
  bool operator==(const Structure&) const = default;
};

struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

// RFC 9051 6.4.5.1: the node of a section's numbers, "4.2.1" as {4, 2, 1}; none: the root. "1" of a message that is no multipart is that
// message. Null: there is no such part.
std::optional<std::uint32_t> find_part(const Structure& structure, std::span<const std::uint32_t> numbers);

// BODY[4.2], BODY[4.2.HEADER] and TEXT (of an embedded message; without numbers of the message), BODY[4.2.MIME].
enum class Section : std::uint8_t { body, header, text, mime };
std::optional<ByteRange> find_section(const Structure& structure, std::span<const std::uint32_t> numbers, Section section);

class MimeParser {
 public:
  MimeParser();

  void feed(std::string_view bytes);
  Structure finish();  // the message is over; the parser too
  std::size_t memory() const { return kept_ + structure_.parts.size() * sizeof(Part); }  // of what it keeps so far, about

 private:
  struct Open {
    std::uint32_t part = 0;
    std::string boundary;            // with its "--"; empty: nothing to look for
    std::uint64_t lines = 0;         // line ends before its body
    std::uint64_t header_lines = 0;  // line ends before its header
  };
  struct Match {
    std::size_t level = 0;  // in open_
    bool closing = false;
  };

  Part& innermost() { return structure_.parts[open_.back().part]; }
  void take_line(std::string_view piece);
  void end_line(bool newline);
  std::optional<Match> find_boundary() const;
  void take_boundary(Match match, bool newline);
  void begin_part(std::uint32_t parent, bool is_message, std::uint64_t at);
  void end_header(std::uint64_t at);
  void read_fields(Part& part);
  void choose_kind(std::uint64_t at);
  void begin_multipart(Part& part);
  void close(std::size_t level, std::uint64_t end);
  void look_for_boundaries();
  bool charge(std::size_t bytes);

  Structure structure_;
  FieldCollector fields_;
  std::vector<Open> open_;  // from the root to the innermost part
  bool in_header_ = true;
  bool rest_ = false;        // the limit of parts is reached: no boundary counts any more
  std::size_t longest_ = 0;  // bytes of a line to look at for boundaries; 0: there are none to find
  std::string line_;         // of a header the line, of a body the beginning that may be a boundary
  bool line_cut_ = false;
  char last_ = '\0';  // byte before the current one
  std::uint64_t position_ = 0;
  std::uint64_t line_begin_ = 0;
  std::uint64_t lines_ = 0;  // line ends before the current line
  unsigned line_end_ = 0;    // bytes of the one before the current line
  std::size_t kept_ = 0;
  bool exhausted_ = false;  // an envelope had no room: none after it is read
};

Structure parse_mime(std::string_view message);

}  // namespace godwit::message
