// Addresses: what is taken keeps the limits, reads the same when written, and a domain read twice stays itself.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/smtp/path.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = smtp::parse_address(text)) {
    const std::string written = address->text();
    const auto again = smtp::parse_address(written);
    if (!again || *again != *address || written.size() > 254) std::abort();
    if (written.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) std::abort();
  }
  if (const auto domain = smtp::parse_domain(text)) {
    const auto again = smtp::parse_domain(domain->text());
    if (!again || *again != *domain || !domain->is_within(*again)) std::abort();
    if (domain->is_literal() != domain->literal().has_value()) std::abort();
    if (domain->unicode().empty()) std::abort();
  }
  ignore(smtp::parse_reverse_path(text), "it need only not crash");
  ignore(smtp::parse_forward_path(text), "it need only not crash");
  return 0;
}
