#pragma once
// The client's side of DATA: dot-stuffs a stream of chunks (RFC 5321 4.5.2) and ends it with <CRLF>.<CRLF>.
//
// Nothing leaves that another server could take for an end of data: a bare CR, bare LF or NUL in the message is an error,
// the writer then writes nothing any more, and the caller must close the connection without the final dot.
// Owned by one dialogue.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/smtp/data_reader.h"

namespace godwit::smtp {

class DataWriter {
 public:
  // Appends `chunk` to `out` as it goes on the wire. After `corrupt` nothing of the chunk is in `out`.
  Result<void> append(std::string& out, std::string_view chunk);
  // Adds a missing last CRLF, then ".\r\n". Once, after everything.
  Result<void> finish(std::string& out);

  Violation violation() const { return violation_; }

 private:
  enum class State : std::uint8_t { line_begin, text, cr };

  Result<void> check(std::string_view chunk);
  Result<void> refuse(Violation violation, std::uint64_t at);

  State state_ = State::line_begin;
  Violation violation_ = Violation::none;
  std::uint64_t seen_ = 0;  // message bytes so far
  std::uint64_t violation_at_ = 0;
};

}  // namespace godwit::smtp
