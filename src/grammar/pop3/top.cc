#include "grammar/pop3/top.h"

namespace godwit::pop3 {

std::string_view TopFilter::take(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (done()) return bytes.substr(0, at);
    const char c = bytes[at];
    if (c == '\n') {
      if (in_body_)
        --lines_;
      else
        in_body_ = line_empty_;
      line_empty_ = true;
    } else if (c != '\r') {
      line_empty_ = false;
    }
  }
  return bytes;
}

}  // namespace godwit::pop3
