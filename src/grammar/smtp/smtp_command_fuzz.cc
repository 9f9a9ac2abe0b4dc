// Command lines: no crash, and a path that was taken survives being written and read again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/smtp/dsn_parameters.h"

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
  // what was taken of RFC 3461 is taken again as we hand it on
  if (const auto* rcpt = std::get_if<smtp::Rcpt>(&command->arguments)) {
    if (rcpt->notify.given && *smtp::parse_notify(smtp::format_notify(rcpt->notify)) != rcpt->notify) std::abort();
    if (!rcpt->orcpt.empty()) {
      const auto ascii = smtp::orcpt_in_ascii(rcpt->orcpt);
      if (ascii && !smtp::check_orcpt(*ascii)) std::abort();
    }
    if (!rcpt->postmaster && smtp::orcpt_of(rcpt->address.text()).size() <= smtp::kMaxOrcpt &&
        !smtp::check_orcpt(smtp::orcpt_of(rcpt->address.text())))
      std::abort();
  }
  if (const auto* mail = std::get_if<smtp::Mail>(&command->arguments)) {
    const auto again = smtp::parse_mail("FROM:<" + mail->path.text() + ">" + (mail->smtputf8 ? " SMTPUTF8" : ""));
    if (!again || again->path != mail->path) std::abort();
  }
  return 0;
}
