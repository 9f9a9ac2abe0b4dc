#pragma once
// What a server offers: its answer to EHLO, for the client (RFC 5321 4.1.1.1). Values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "grammar/smtp/reply.h"

namespace godwit::smtp {

struct Extensions {
  std::string greeting;                   // the name the server gives itself, as it came
  bool pipelining = false;                // RFC 2920
  bool eight_bit_mime = false;            // RFC 6152
  bool smtputf8 = false;                  // RFC 6531
  bool starttls = false;                  // RFC 3207
  bool enhanced_status_codes = false;     // RFC 2034
  bool dsn = false;                       // RFC 3461
  bool chunking = false;                  // RFC 3030
  bool binary_mime = false;               // RFC 3030
  bool size = false;                      // RFC 1870
  std::optional<std::uint64_t> size_max;  // absent: no limit known (SIZE alone, SIZE 0, or no number)
  std::vector<std::string> auth;          // mechanisms in upper case, at most 32

  bool has_auth(std::string_view mechanism) const;
};

// Unknown keywords and malformed lines are passed over. A reply to HELO gives no extensions.
Extensions parse_extensions(const Reply& reply);

}  // namespace godwit::smtp
