#include "grammar/pop3/multiline.h"

namespace godwit::pop3 {

void MultilineWriter::append(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    if (at_line_start_ && bytes.front() == '.') out += '.';
    const std::size_t newline = bytes.find('\n');
    const bool whole = newline != std::string_view::npos;
    const std::string_view piece = bytes.substr(0, whole ? newline + 1 : bytes.size());
    out += piece;
    after_crlf_ = whole && (piece.size() > 1 ? piece[piece.size() - 2] == '\r' : after_cr_);
    after_cr_ = piece.back() == '\r';
    at_line_start_ = whole;
    bytes.remove_prefix(piece.size());
  }
}

void MultilineWriter::finish(std::string& out) {
  if (!after_crlf_) out += "\r\n";
  out += ".\r\n";
}

}  // namespace godwit::pop3
