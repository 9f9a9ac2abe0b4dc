#pragma once
// Multi-line responses: RFC 1939 3. Pure, one object a response.

#include <string>
#include <string_view>

namespace godwit::pop3 {

// Doubles the dot at the begin of a line and closes with CRLF "." CRLF. Bytes come in pieces of any size.
// A line begins after every LF, not only after CRLF: a client that ends lines at a bare LF must not find an end of our
// response in the middle of a message.
class MultilineWriter {
 public:
  void append(std::string& out, std::string_view bytes);
  // Adds the CRLF that the message lacks at its end, and the end of the response.
  void finish(std::string& out);

 private:
  bool at_line_start_ = true;
  bool after_crlf_ = true;
  bool after_cr_ = false;
};

}  // namespace godwit::pop3
