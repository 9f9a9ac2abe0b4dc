#pragma once
// Addresses as people and programs write them, with or without a domain. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::sendmail {

// "ann@example.org", "root", "Ann <ann@example.org>, root", a group, a whole To field. Out come addresses for the envelope; one that has
// no domain stays without: the server knows which. An error names the address.
Result<std::vector<std::string>> parse_recipients(std::string_view text);

struct Header {
  std::string text;                     // without Bcc and Resent-Bcc
  std::vector<std::string> recipients;  // of To, Cc and Bcc; of their Resent- forms alone where there are any
};
// For -t. `text` is whole fields with CRLF line ends, without the empty line behind them.
Result<Header> take_recipients(std::string_view text);

}  // namespace godwit::sendmail
