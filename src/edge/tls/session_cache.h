#pragma once
// Sessions of earlier connections by server name, for resumption. Any thread. Internal to edge/tls.

#include <mutex>
#include <string>
#include <unordered_map>

#include "edge/tls/openssl.h"

namespace godwit::tls {

class SessionCache {
 public:
  void put(const std::string& server_name, SessionPtr session);
  // Null if there is none. A TLS 1.3 ticket is used once only (RFC 8446 C.4).
  SessionPtr take(const std::string& server_name);

 private:
  static constexpr std::size_t kNames = 1'000;

  std::mutex mutex_;
  std::unordered_map<std::string, SessionPtr> sessions_;
};

}  // namespace godwit::tls
