#pragma once
// The message within an SMTP dialogue on a pipe: dots undone (RFC 5321 4.5.2), its end found, CRLF line ends made as with TextInput. Pure;
// any pieces.
//
// A client that ends its commands in CRLF ends its message with <CRLF>.<CRLF> and nothing else, so that text of other people's within it
// cannot end it and go on with commands of its own. Only who ends his commands in LF may end his message so.

#include <cstddef>
#include <string>
#include <string_view>

namespace godwit::sendmail {

class DataInput {
 public:
  explicit DataInput(bool crlf_client) : strict_(crlf_client) {}

  // Appends what becomes of it; returns how much was used: what is behind the end is the next command.
  std::size_t feed(std::string_view bytes, std::string& out);
  bool ended() const { return ended_; }
  bool eight_bit() const { return eight_bit_; }

 private:
  void take(char c, std::string& out);
  void end_line(bool real, std::string& out);

  bool strict_;
  bool ended_ = false;
  bool eight_bit_ = false;
  bool after_cr_ = false;
  bool line_start_ = true;  // behind a line end that counts
  bool dot_ = false;        // the line is a dot so far, which is held back
};

}  // namespace godwit::sendmail
