#include "app/sendmail/data_input.h"

namespace godwit::sendmail {

void DataInput::end_line(bool real, std::string& out) {
  if (dot_ && real) {
    ended_ = true;
    return;
  }
  dot_ = false;
  out += "\r\n";
  line_start_ = real;
}

void DataInput::take(char c, std::string& out) {
  if (after_cr_) {
    after_cr_ = false;
    if (c == '\n') return end_line(true, out);
    end_line(false, out);
  }
  if (c == '\0') return;
  if (c == '\r') {
    after_cr_ = true;
    return;
  }
  if (c == '\n') return end_line(!strict_, out);
  const bool stuffed = line_start_ && c == '.';
  line_start_ = false;
  dot_ = stuffed;
  if (stuffed) return;
  eight_bit_ = eight_bit_ || static_cast<unsigned char>(c) > 127;
  out += c;
}

std::size_t DataInput::feed(std::string_view bytes, std::string& out) {
  out.reserve(out.size() + bytes.size() + bytes.size() / 32);
  std::size_t used = 0;
  while (used < bytes.size() && !ended_) take(bytes[used++], out);
  return used;
}

}  // namespace godwit::sendmail
