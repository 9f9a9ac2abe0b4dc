#pragma once
// Where a password may be said: one rule for IMAP and POP3 (RFC 8314 3, 4.1). Any thread.

#include <vector>

#include "base/ip.h"
#include "edge/net/stream.h"

namespace godwit::net {

// Inside TLS, or from the networks of `[auth] plaintext_from`; nobody else, loopback or not.
inline bool may_say_password(const Stream& stream, const std::vector<Network>& plaintext_from) {
  return stream.tls() != nullptr || contains(plaintext_from, stream.remote().address);
}

}  // namespace godwit::net
