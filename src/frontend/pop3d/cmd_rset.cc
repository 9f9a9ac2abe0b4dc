#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5
Task<> Session::cmd_rset(pop3::Command /*command*/) {
  for (auto& each : messages_) each.deleted = false;
  ok(text::kUnmarked);
  co_return;
}

}  // namespace godwit::pop3d
