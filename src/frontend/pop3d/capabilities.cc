#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2449 6
std::string capability_lines(const Capabilities& capabilities) {
  std::string lines =
      "TOP\r\n"
      "UIDL\r\n"
      "RESP-CODES\r\n"
      "AUTH-RESP-CODE\r\n"  // RFC 3206 6
      "PIPELINING\r\n"
      "UTF8 USER\r\n"  // RFC 6856 2
      "LANG\r\n";      // RFC 6856 3
  // RFC 2449 6.5, 6.7: the same for all accounts, so without USER
  lines += capabilities.removes_retrieved ? "EXPIRE 0\r\n" : "EXPIRE NEVER\r\n";
  if (capabilities.login_delay > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(capabilities.login_delay);
    lines += "LOGIN-DELAY " + std::to_string(seconds.count()) + "\r\n";
  }
  lines += "IMPLEMENTATION Godwit\r\n";
  if (capabilities.login) {
    lines += "USER\r\nSASL";
    for (const auto mechanism : kMechanisms) lines += ' ' + std::string(mechanism);
    lines += "\r\n";
  }
  if (capabilities.stls) lines += "STLS\r\n";  // RFC 2595 4
  return lines;
}

}  // namespace godwit::pop3d
