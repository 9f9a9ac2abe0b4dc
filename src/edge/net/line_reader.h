#pragma once
// Lines and blocks out of a stream: the read buffer of a session.
//
// The buffer is taken when bytes arrive and given back when it is empty, so that an idle session holds none.
// Owned by the session, one loop.

#include <string>
#include <string_view>

#include "edge/net/stream.h"

namespace godwit::net {

class LineReader {
 public:
  // Lines longer than `max_line` bytes (with their end) are `limit` errors: the rest of the line is skipped on the next call.
  explicit LineReader(std::size_t max_line) : max_line_(max_line) {}

  void set_max_line(std::size_t max_line) { max_line_ = max_line; }

  // The next line without CRLF, valid until the next call. `syntax` for a bare LF when `strict` (the default is
  // tolerant: commands may end in LF), `closed` at the end of the stream.
  Task<Result<std::string_view>> read_line(Stream& stream, Duration timeout, bool strict = false);

  // What is buffered, or the next read; at least one byte. Empty at the end of the stream. consume() what was used.
  Task<Result<std::string_view>> read_some(Stream& stream, Duration timeout);
  void consume(std::size_t bytes);

  bool buffered() const { return begin_ < buffer_.size(); }  // something was pipelined
  bool has_line() const { return buffer_.find('\n', begin_) != std::string::npos; }  // read_line would not wait
  void discard();                                             // STARTTLS: forget what came in plain text

 private:
  Task<Result<std::size_t>> fill(Stream& stream, Duration timeout);
  void compact();

  std::size_t max_line_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t used_ = 0;     // bytes of the line handed out last
  bool skipping_ = false;    // inside a line that was too long
};

}  // namespace godwit::net
