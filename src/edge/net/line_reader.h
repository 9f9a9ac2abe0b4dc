#pragma once
// Lines and blocks out of a stream: the read buffer of a session.
//
// An idle session waits with 512 bytes of its own; a larger buffer is taken when more arrives than that, or for a body,
// and given back when it is empty.
// Owned by the session, one loop. What it hands out is valid until the next call of anything but buffered() and has_line().
// Time-outs are those of one read: they start anew with every byte that arrives.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/net/stream.h"

namespace godwit::net {

class LineReader {
 public:
  // Lines longer than `max_line` bytes (with their end) are `limit` errors: the rest of the line is skipped on the next call.
  explicit LineReader(std::size_t max_line) : max_line_(max_line) {}
  ~LineReader() { release(); }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  void set_max_line(std::size_t max_line) { max_line_ = max_line; }

  // The next line without CRLF. `syntax` for a bare LF when `strict` (the default is tolerant: commands may end in LF),
  // `closed` at the end of the stream. A bare CR and NUL are part of the line: the grammar judges them.
  Task<Result<std::string_view>> read_line(Stream& stream, Duration timeout, bool strict = false);

  // What read_line() would return without waiting; nothing if it would wait. Costs no coroutine.
  std::optional<Result<std::string_view>> buffered_line(bool strict = false);

  // What is buffered, or the next read; at least one byte. Empty at the end of the stream. consume() what was used.
  Task<Result<std::string_view>> read_some(Stream& stream, Duration timeout);
  void consume(std::size_t bytes);

  bool buffered() const { return begin_ < end_; }  // something was pipelined
  bool has_line() const;                           // read_line would not wait
  void discard();                                  // STARTTLS: forget what came in plain text

 private:
  enum class For : std::uint8_t { line, block };

  const char* data() const { return large() ? buffer_.data() : small_.data(); }
  bool large() const { return !buffer_.empty(); }
  std::string_view rest() const { return {data() + begin_, end_ - begin_}; }
  Task<Result<std::size_t>> fill(Stream& stream, Duration timeout, For purpose);
  std::span<char> make_room(For purpose);
  void grow();
  void release();

  std::size_t max_line_;
  std::string buffer_;  // its size is the room; empty = small_ is in use. begin_ .. end_ is filled
  std::array<char, 512> small_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t scanned_ = 0;  // of the rest, known to hold no LF
  bool skipping_ = false;    // inside a line that was too long
  bool short_ = false;       // the last read of a body was less than a segment
  bool more_ = false;        // the last read filled the room: there is probably more
};

}  // namespace godwit::net
