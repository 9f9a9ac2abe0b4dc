#include "edge/tls/session_cache.h"

#include <utility>

namespace godwit::tls {

void SessionCache::put(const std::string& server_name, SessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kNames && !sessions_.contains(server_name)) sessions_.erase(sessions_.begin());
  sessions_[server_name] = std::move(session);
}

SessionPtr SessionCache::take(const std::string& server_name) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server_name);
  if (found == sessions_.end()) return nullptr;
  if (SSL_SESSION_get_protocol_version(found->second.get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(found->second.get());
    return SessionPtr(found->second.get());
  }
  SessionPtr session = std::move(found->second);
  sessions_.erase(found);
  return session;
}

}  // namespace godwit::tls
