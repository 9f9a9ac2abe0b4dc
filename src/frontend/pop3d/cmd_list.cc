#include <fmt/format.h>

#include <iterator>

#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 5. Sizes are octets as RETR sends them, without the doubled dots.
Task<> Session::cmd_list(pop3::Command command) {
  if (command.message) {
    if (const Listed* message = find_message(*command.message)) ok(fmt::format("{} {}", *command.message, message->size));
    co_return;
  }
  const Totals all = totals();
  ok(fmt::format("{} messages ({} octets)", all.messages, all.octets));
  for (std::size_t i = 0; i < messages_.size() && !broken_; ++i) {
    if (messages_[i].deleted) continue;
    fmt::format_to(std::back_inserter(out_), "{} {}\r\n", i + 1, messages_[i].size);
    co_await flush_if_large();
  }
  out_ += ".\r\n";
}

}  // namespace godwit::pop3d
