#pragma once
// Where a request goes: "https://hooks.example.net/mail?key=1" taken apart. RFC 3986. Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::http {

struct Url {
  bool tls = true;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  std::string target = "/";  // path and query, as they go on the wire
  std::string authority;     // for the Host field: with brackets, and the port where it is not the scheme's own
};

// http and https alone; no user, no fragment. The sentence of an error says what to write instead.
Result<Url> parse_url(std::string_view text);

}  // namespace godwit::http
