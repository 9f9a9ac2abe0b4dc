#pragma once
// The trace field that every server adds: RFC 5321 4.4, 'with' keywords of RFC 3848 and 6531, TLS clause of RFC 8314 7.4.
//
// What a client said is made harmless before it gets in: no value, whatever its bytes, can end the line, open another field or
// break the clause it stands in. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "grammar/message/date.h"

namespace godwit::message {

struct Received {
  std::string_view helo;              // as the client gave it; may be empty
  const IpAddress* client = nullptr;  // null: no network (a local program)
  std::string_view client_name;       // verified reverse name; may be empty
  std::optional<unsigned> uid;        // of the user who ran that local program
  std::string_view by;                // our host name
  bool esmtp = true;                  // EHLO, not HELO
  bool lmtp = false;
  bool tls = false;
  bool authenticated = false;
  bool smtputf8 = false;         // MAIL had SMTPUTF8: UTF8SMTP.. keywords (RFC 6531 4.3)
  std::string_view tls_version;  // "TLSv1.3"
  std::string_view tls_cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string_view identity;     // account that authenticated; "" keeps it out of the header
  std::string_view id;           // message id
  std::string_view recipient;    // for <...>; only with a single recipient (RFC 5321 7.6), may be empty
  Date date;
};

// "ESMTPSA" and its relatives.
std::string_view with_keyword(const Received& received);

// "Received: from ...;\r\n\tdate\r\n", folded: no line over 78 bytes unless one word alone is longer.
std::string format_received(const Received& received);

}  // namespace godwit::message
