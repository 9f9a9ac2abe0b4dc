#include "edge/dns/record.h"

#include <fmt/format.h>

namespace godwit::dns {

std::string_view to_string(Type type) {
  switch (type) {
    case Type::a: return "A";
    case Type::cname: return "CNAME";
    case Type::ptr: return "PTR";
    case Type::mx: return "MX";
    case Type::txt: return "TXT";
    case Type::aaaa: return "AAAA";
    case Type::tlsa: return "TLSA";
  }
  return "?";
}

Response failure(Error::Cause cause, std::string reason) {
  Response response;
  response.cause = cause;
  response.reason = std::move(reason);
  return response;
}

std::string Question::text() const { return fmt::format("{} {}", to_string(type), name.empty() ? "." : name); }

}  // namespace godwit::dns
