#pragma once
// What a session is about to say: responses gather here and go out together, when the session would wait for the client or when 64 KiB have
// gathered. So memory stays bounded whatever a FETCH asks for, and a slow reader holds up its own session alone.
//
// Owned by the session, one loop.

#include <cstdint>
#include <string>
#include <string_view>

#include "edge/net/stream.h"

namespace godwit::imapd {

class Output {
 public:
  static constexpr std::size_t kLarge = 64 * 1024;

  // `write_timeout`: for progress of a write.
  explicit Output(Duration write_timeout) : write_timeout_(write_timeout) {}

  // Null while there is nothing to write to (a handshake).
  void set_stream(net::Stream* stream) { stream_ = stream; }

  // Append responses here; flush_if_large() after each one that may be long.
  std::string& buffer() { return buffer_; }
  // "* " text CRLF
  void untagged(std::string_view text);

  // After a write has failed nothing is written any more, and broken() says so: loops over messages ask it and end.
  Task<> flush();
  Task<> flush_if_large();
  bool large() const { return buffer_.size() >= kLarge; }
  bool broken() const { return broken_; }
  // Nothing more goes out: the response under way cannot be ended as it was begun.
  void give_up() { broken_ = true; }
  std::uint64_t written() const { return written_; }

 private:
  Duration write_timeout_;
  net::Stream* stream_ = nullptr;
  std::string buffer_;
  bool broken_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace godwit::imapd
