#pragma once
// From the text of a Unix program to a message: LF becomes CRLF, CRLF stays, a CR alone (progress bars in what cron runs) becomes CRLF,
// NUL is left out, a last line without end gets one; a line with a single dot ends the message unless dots are ignored. Pure; the input
// may come in any pieces.

#include <string>
#include <string_view>

namespace godwit::sendmail {

class TextInput {
 public:
  explicit TextInput(bool ignore_dots) : ignore_dots_(ignore_dots) {}

  // Appends what becomes of it.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);
  bool ended() const { return ended_; }  // by a dot: nothing after it counts
  bool eight_bit() const { return eight_bit_; }

 private:
  void end_line(std::string& out);
  void take(char c, std::string& out);

  bool ignore_dots_;
  bool ended_ = false;
  bool eight_bit_ = false;
  bool after_cr_ = false;
  bool line_start_ = true;
  bool dot_ = false;  // the line has a dot so far, which is held back
};

}  // namespace godwit::sendmail
