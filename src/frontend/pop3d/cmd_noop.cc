#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5
Task<> Session::cmd_noop(pop3::Command /*command*/) {
  ok(text::kNothingDone);
  co_return;
}

}  // namespace godwit::pop3d
