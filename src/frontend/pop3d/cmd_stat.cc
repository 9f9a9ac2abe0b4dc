#include <fmt/format.h>

#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5
Task<> Session::cmd_stat(pop3::Command /*command*/) {
  const Totals all = totals();
  ok(fmt::format("{} {}", all.messages, all.octets));
  co_return;
}

}  // namespace godwit::pop3d
