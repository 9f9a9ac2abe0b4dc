#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2449 6. No LOGIN-DELAY: there is none.
std::string capability_lines(const Capabilities& capabilities) {
  std::string lines =
      "TOP\r\n"
      "UIDL\r\n"
      "RESP-CODES\r\n"
      "AUTH-RESP-CODE\r\n"  // RFC 3206 6
      "PIPELINING\r\n"
      "UTF8 USER\r\n"  // RFC 6856 2
      "EXPIRE NEVER\r\n"
      "IMPLEMENTATION Godwit\r\n";
  if (capabilities.login) {
    lines +=
        "USER\r\n"
        "SASL PLAIN\r\n";
  }
  if (capabilities.stls) lines += "STLS\r\n";  // RFC 2595 4
  return lines;
}

}  // namespace godwit::pop3d
