#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5: marked now, removed at QUIT.
Task<> Session::cmd_dele(pop3::Command command) {
  if (Listed* message = find_message(*command.message)) {
    message->deleted = true;
    ok(text::kMarked);
  }
  co_return;
}

}  // namespace godwit::pop3d
