#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 7
Task<> Session::cmd_top(pop3::Command command) {
  if (Listed* message = find_message(*command.message)) co_await send_message(*message, command.lines);
}

}  // namespace godwit::pop3d
