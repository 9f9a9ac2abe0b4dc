#include <fmt/format.h>

#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

std::string ehlo_text(const Capabilities& capabilities, const IpAddress& client) {
  std::string text = fmt::format("{} greets {}", capabilities.hostname, client.literal());
  text += "\nPIPELINING";                                           // RFC 2920
  text += fmt::format("\nSIZE {}", capabilities.max_message_size);  // RFC 1870
  text += "\n8BITMIME";                                             // RFC 6152
  text += "\nSMTPUTF8";                                             // RFC 6531
  text += "\nENHANCEDSTATUSCODES";                                  // RFC 2034
  text += "\nDSN";                                                  // RFC 3461
  if (capabilities.starttls) text += "\nSTARTTLS";                  // RFC 3207
  if (capabilities.auth) text += "\nAUTH PLAIN LOGIN";              // RFC 4954
  text += "\nHELP";
  return text;
}

}  // namespace godwit::smtpd
