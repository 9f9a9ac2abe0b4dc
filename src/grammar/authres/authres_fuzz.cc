// What is read is written so that it reads the same; what strip() leaves is stripped already, and nothing of it is ours.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grammar/authres/authres.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parsed = authres::parse(text)) {
    const std::string written = authres::format_body(*parsed, 0);
    const auto again = authres::parse(written);
    require(again.has_value() && again->methods.size() == parsed->methods.size());
    for (std::size_t i = 0; i < again->methods.size(); ++i) {
      require(again->methods[i].method == parsed->methods[i].method && again->methods[i].result == parsed->methods[i].result);
      require(again->methods[i].properties.size() <= parsed->methods[i].properties.size());
    }
    const auto third = authres::format_body(*again, 0);
    require(authres::parse(third).has_value());
    require(authres::is_from(text, parsed->authserv_id));
  }
  const std::string once = authres::strip(text, "mx.example.org");
  require(once.size() <= text.size() && authres::strip(once, "mx.example.org") == once);
  return 0;
}
