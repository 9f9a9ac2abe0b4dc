#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5
Task<> Session::cmd_retr(pop3::Command command) {
  if (Listed* message = find_message(*command.message)) co_await send_message(*message, std::nullopt);
}

}  // namespace godwit::pop3d
