#pragma once
// Canonicalisation of header fields and of the body (RFC 6376 3.4), as state machines: bytes come in pieces cut anywhere, the
// canonical bytes go to a sink. Nothing here knows tags, signatures or hashes.
//
// Lines end with CRLF and nothing else; a bare CR or LF is a byte like any other. Memory is a fixed buffer, whatever the message
// holds. Each object belongs to one user at a time and serves one field or body.

#include <array>
#include <cstdint>
#include <string_view>

namespace godwit::dkim {

enum class Canonicalization : std::uint8_t { simple, relaxed };
std::string_view to_string(Canonicalization how);

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;
};

// One header field, from its name to the last byte before the CRLF that ends it. That CRLF is the caller's to write: the fields
// of h= have one, the signature's own has none (RFC 6376 3.7).
class FieldCanonicalizer {
 public:
  explicit FieldCanonicalizer(Canonicalization how) : how_(how) {}

  void feed(std::string_view bytes, ByteSink& sink);
  void finish(ByteSink& sink);

 private:
  void relaxed(char c, ByteSink& sink);
  void content(char c, ByteSink& sink);

  Canonicalization how_;
  bool in_value_ = false;  // behind the colon
  bool in_text_ = false;   // behind the first byte of name or value that is no white space
  bool space_ = false;     // white space that counts if something follows it
  bool cr_ = false;        // the byte before was a CR
  std::array<char, 512> buffer_{};
  std::size_t filled_ = 0;
};

// The body, from the first byte behind the empty line (RFC 6376 3.4.3, 3.4.4).
class BodyCanonicalizer {
 public:
  explicit BodyCanonicalizer(Canonicalization how) : how_(how) {}

  void feed(std::string_view bytes, ByteSink& sink);
  void finish(ByteSink& sink);  // the body is over

 private:
  void feed_simple(std::string_view bytes, ByteSink& sink);
  void feed_relaxed(std::string_view bytes, ByteSink& sink);
  void content(std::string_view bytes, ByteSink& sink);  // what makes the white space and line ends before it count
  void put(std::string_view bytes, ByteSink& sink);
  void flush(ByteSink& sink);

  Canonicalization how_;
  bool any_ = false;             // something that stays has come
  bool cr_ = false;              // the byte before was a CR
  bool space_ = false;           // relaxed: white space in the line, which may end it
  std::uint64_t line_ends_ = 0;  // CRLFs behind the last content: empty lines at the end do not count
  std::array<char, 4096> buffer_{};
  std::size_t filled_ = 0;
};

}  // namespace godwit::dkim
