// Command lines: no crash, and a path that was taken survives being written and read again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/smtp/command.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto command = smtp::parse_command(line);
  if (!command) {
    if (command.error().position > line.size()) std::abort();
    std::string out;
    smtp::append_wire(out, command.error().reply());
    if (out.find("\r\n") + 2 != out.size() && out[3] != '-') std::abort();
    return 0;
  }
  if (const auto* rcpt = std::get_if<smtp::Rcpt>(&command->arguments); rcpt != nullptr && !rcpt->postmaster) {
    const auto again = smtp::parse_rcpt("TO:<" + rcpt->address.text() + ">");
    if (!again || again->address != rcpt->address) std::abort();
  }
  if (const auto* mail = std::get_if<smtp::Mail>(&command->arguments)) {
    const auto again = smtp::parse_mail("FROM:<" + mail->path.text() + ">" + (mail->smtputf8 ? " SMTPUTF8" : ""));
    if (!again || again->path != mail->path) std::abort();
  }
  return 0;
}
