#pragma once
// Reads what envelope.h describes, in whatever pieces it comes. Memory: the envelope, at most kMaxEnvelope; the message passes through
// as views into the input. Owned by one session or file; pure.

#include <string>
#include <string_view>

#include "grammar/submit/envelope.h"

namespace godwit::submit {

class Reader {
 public:
  struct Piece {
    std::string_view bytes;    // of the message; valid as long as the input
    std::size_t consumed = 0;  // of the input, at least 1
  };
  // The next step through `input`, which is not empty: up to the end of the envelope, a run of the message, or the end. What is left
  // after finished() does not belong to it. After an error nothing more may be fed; `syntax` with the offset, or `limit`.
  Result<Piece> next(std::string_view input);

  bool has_envelope() const { return state_ != State::envelope; }
  bool finished() const { return state_ == State::finished; }
  const Envelope& envelope() const { return envelope_; }  // whole once has_envelope()
  std::uint64_t size() const { return size_; }            // message bytes so far

 private:
  enum class State : std::uint8_t { envelope, chunk_size, chunk, finished };

  Result<bool> take_line(std::string_view input, std::size_t& consumed);
  Result<void> envelope_line(std::string_view line);
  Result<void> set(std::string_view key, std::string_view value);
  Result<void> chunk_line(std::string_view line);
  Result<void> check_line_ends(std::string_view bytes);
  std::unexpected<Error> wrong(std::string what) const { return fail(Error::syntax(std::move(what), offset_)); }

  State state_ = State::envelope;
  Envelope envelope_;
  std::string line_;
  std::size_t lines_ = 0;
  std::size_t offset_ = 0;     // of the input in all
  std::size_t remaining_ = 0;  // of the chunk
  std::uint64_t size_ = 0;
  bool after_cr_ = false;
  bool at_line_start_ = true;
};

}  // namespace godwit::submit
