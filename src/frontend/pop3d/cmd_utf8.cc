#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 6856 2.1. Messages are bytes here, with and without it.
Task<> Session::cmd_utf8(pop3::Command /*command*/) {
  ok(text::kUtf8);
  co_return;
}

}  // namespace godwit::pop3d
