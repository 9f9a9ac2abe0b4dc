#pragma once
// The server's side of DATA: finds the end of the message and undoes dot-stuffing (RFC 5321 4.1.1.4, 4.5.2).
//
// The end is <CRLF>.<CRLF> and nothing else; the line end of the DATA command counts as the first CRLF, so ".\r\n" at once
// is an empty message. Bare CR, bare LF and NUL never end a line: the first of them is kept as `violation`, and reading goes
// on to the real end, so that the refusal is the answer to the message and not to half of it.
// No allocation, no copy: pieces are views into the input. Owned by one session, any loop; any segmentation of the input
// gives the same bytes. A 4 KiB buffer of ordinary lines takes a fraction of a microsecond.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace godwit::smtp {

// What RFC 5321 2.3.8 and 4.1.1.4 forbid in a message.
enum class Violation : std::uint8_t { none, bare_cr, bare_lf, nul };
std::string_view to_string(Violation violation);  // "bare CR"

class DataReader {
 public:
  struct Piece {
    std::string_view bytes;    // message bytes; may be empty though input was consumed; valid as long as the input
    std::size_t consumed = 0;  // of the input; 0 with bytes when a CR that had been withheld comes out
  };
  // The next run of message bytes. Call again with the rest of the input until it is empty or finished() holds; what is
  // left then is the next command.
  Piece next(std::string_view input);

  // The same as a loop: gives every run to `sink(std::string_view)`, returns how much of the input was used.
  template <class Sink>
  std::size_t feed(std::string_view input, Sink&& sink) {
    std::size_t used = 0;
    while (used < input.size() && !finished()) {
      const Piece piece = next(input.substr(used));
      if (!piece.bytes.empty()) sink(piece.bytes);
      used += piece.consumed;
    }
    return used;
  }

  bool finished() const { return state_ == State::finished; }
  std::uint64_t size() const { return size_; }                  // message bytes so far
  Violation violation() const { return violation_; }            // the first one
  std::uint64_t violation_at() const { return violation_at_; }  // its offset in the message

 private:
  enum class State : std::uint8_t { line_begin, text, cr, dot, dot_cr, finished };

  std::size_t skim(std::string_view input);
  void violate(Violation violation, std::uint64_t at);

  State state_ = State::line_begin;
  Violation violation_ = Violation::none;
  std::uint64_t size_ = 0;
  std::uint64_t violation_at_ = 0;
};

// The first CR, LF or NUL in `bytes`, or its size. The scan under reader and writer.
std::size_t find_line_special(std::string_view bytes);

}  // namespace godwit::smtp
