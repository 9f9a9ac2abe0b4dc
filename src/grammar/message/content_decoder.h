#pragma once
// Content-Transfer-Encoding (RFC 2045 6): its names, and decoders that work in pieces. Tolerant, they never fail: what cannot be decoded
// is passed over (base64) or stays as it is (quoted-printable), and damaged() tells. Memory is constant. Owned by one caller.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace godwit::message {

enum class TransferEncoding : std::uint8_t { seven_bit, eight_bit, binary, quoted_printable, base64, unknown };

std::string_view to_string(TransferEncoding encoding);  // "7bit" ...; empty for unknown

// The field's value: comments, white space, quotes and case do not matter; "7-bit" and "8-bit" are known. Empty: seven_bit (RFC 2045 6.1).
TransferEncoding parse_transfer_encoding(std::string_view value);

// RFC 2045 6.4: the bytes are what they mean, so that a multipart or a message can be read in place
constexpr bool is_identity(TransferEncoding encoding) {
  return encoding == TransferEncoding::seven_bit || encoding == TransferEncoding::eight_bit || encoding == TransferEncoding::binary;
}

// RFC 2045 6.8: bytes outside the alphabet are ignored; padding ends a quantum, and more may follow it.
class Base64Decoder {
 public:
  void feed(std::string_view text, std::string& out);
  void finish(std::string& out);
  bool damaged() const { return damaged_; }  // other than white space was ignored, or bits were missing

 private:
  void end_quantum(std::string& out);

  std::uint32_t bits_ = 0;
  int count_ = 0;  // characters of the quantum
  bool damaged_ = false;
};

// RFC 2045 6.7: soft line breaks (with white space before the line's end too), white space at the end of a line taken out. Lower case is
// read. A "=" that begins nothing stays.
class QuotedPrintableDecoder {
 public:
  static constexpr std::size_t kMaxWhite = 1'000;  // longer runs of white space stay at the end of a line

  void feed(std::string_view text, std::string& out);
  void finish(std::string& out);
  bool damaged() const { return damaged_; }

 private:
  enum class State : std::uint8_t { text, white_cr, equals, hex, soft_white, soft_cr };

  bool step(char c, std::string& out);  // false: look at it again
  bool step_text(char c, std::string& out);
  bool step_equals(char c, std::string& out);
  bool literal(std::string& out);  // what is held back was no code

  State state_ = State::text;
  std::string held_;  // white space, or the beginning of a code
  bool damaged_ = false;
};

// The decoder that an encoding needs. Identity encodings and unknown ones come through as they are.
class ContentDecoder {
 public:
  explicit ContentDecoder(TransferEncoding encoding);

  void feed(std::string_view bytes, std::string& out);  // appends at most as much as has come
  void finish(std::string& out);
  bool damaged() const;

 private:
  std::variant<std::monostate, Base64Decoder, QuotedPrintableDecoder> decoder_;
};

}  // namespace godwit::message
