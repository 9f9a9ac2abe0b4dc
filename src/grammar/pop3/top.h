#pragma once
// TOP: the header, the blank line, and the first lines of the body. RFC 1939 7. Pure, one object a message.

#include <cstdint>
#include <string_view>

namespace godwit::pop3 {

class TopFilter {
 public:
  explicit TopFilter(std::uint32_t lines) : lines_(lines) {}

  // The front part of `bytes` that belongs to the answer.
  std::string_view take(std::string_view bytes);
  // Nothing more of the message is wanted.
  bool done() const { return in_body_ && lines_ == 0; }

 private:
  std::uint32_t lines_;  // of the body, still to come
  bool in_body_ = false;
  bool line_empty_ = true;  // so far; a CR does not count
};

}  // namespace godwit::pop3
