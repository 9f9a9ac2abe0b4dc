#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace godwit {

std::string_view to_string(Error::Cause cause) {
  switch (cause) {
    case Error::Cause::timed_out: return "timed_out";
    case Error::Cause::cancelled: return "cancelled";
    case Error::Cause::closed: return "closed";
    case Error::Cause::syntax: return "syntax";
    case Error::Cause::limit: return "limit";
    case Error::Cause::not_found: return "not_found";
    case Error::Cause::conflict: return "conflict";
    case Error::Cause::denied: return "denied";
    case Error::Cause::full: return "full";
    case Error::Cause::io: return "io";
    case Error::Cause::corrupt: return "corrupt";
    case Error::Cause::unsupported: return "unsupported";
  }
  return "unknown";
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "godwit: internal error: %s does not hold at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace godwit
