#include <fmt/format.h>

#include <iterator>

#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 7
Task<> Session::cmd_uidl(pop3::Command command) {
  if (command.message) {
    if (const Listed* message = find_message(*command.message)) ok(fmt::format("{} {}", *command.message, unique_id(*message)));
    co_return;
  }
  ok("");
  for (std::size_t i = 0; i < messages_.size() && !broken_; ++i) {
    if (messages_[i].deleted) continue;
    fmt::format_to(std::back_inserter(out_), "{} {}\r\n", i + 1, unique_id(messages_[i]));
    co_await flush_if_large();
  }
  out_ += ".\r\n";
}

}  // namespace godwit::pop3d
