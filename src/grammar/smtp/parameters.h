#pragma once
// ESMTP parameters of MAIL and RCPT (RFC 5321 4.1.2 esmtp-param): the part of command.cc that grows with each extension.
// Pure functions, any thread.

#include <string_view>

#include "grammar/smtp/command.h"

namespace godwit::smtp {

// The parameters in `arguments` from offset `begin` (behind the path's ">") into `out`. 501 5.5.4 for what is malformed or twice
// there, 555 5.5.4 for what is unknown; positions are offsets in `arguments`.
Parsed<void> parse_mail_parameters(std::string_view arguments, std::size_t begin, Mail& out);
Parsed<void> parse_rcpt_parameters(std::string_view arguments, std::size_t begin, Rcpt& out);

}  // namespace godwit::smtp
