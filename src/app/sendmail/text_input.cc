#include "app/sendmail/text_input.h"

namespace godwit::sendmail {

void TextInput::end_line(std::string& out) {
  if (dot_) {
    ended_ = true;
    return;
  }
  out += "\r\n";
  line_start_ = true;
}

void TextInput::take(char c, std::string& out) {
  if (c == '\0') return;
  if (after_cr_) {
    after_cr_ = false;
    end_line(out);
    if (c == '\n' || ended_) return;
  }
  if (c == '\r') {
    after_cr_ = true;
    return;
  }
  if (c == '\n') return end_line(out);
  if (line_start_ && c == '.' && !ignore_dots_) {
    dot_ = true;
    line_start_ = false;
    return;
  }
  if (dot_) {
    out += '.';
    dot_ = false;
  }
  line_start_ = false;
  eight_bit_ = eight_bit_ || static_cast<unsigned char>(c) > 127;
  out += c;
}

void TextInput::feed(std::string_view bytes, std::string& out) {
  out.reserve(out.size() + bytes.size() + bytes.size() / 32);
  for (const char c : bytes) {
    if (ended_) return;
    take(c, out);
  }
}

void TextInput::finish(std::string& out) {
  if (ended_) return;
  const bool open = after_cr_ || dot_ || !line_start_;
  after_cr_ = false;
  if (open) end_line(out);
}

}  // namespace godwit::sendmail
