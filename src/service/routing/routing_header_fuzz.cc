// A header condition of a route against a header that a stranger wrote: the condition is the first line.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/routing/patterns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using godwit::routing::HeaderPattern;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  if (end == std::string_view::npos) return 0;
  const std::string_view condition = input.substr(0, end);
  const std::string_view header = input.substr(end + 1);
  const auto pattern = HeaderPattern::parse(condition);
  if (!pattern || !pattern->matches(header)) return 0;
  const auto any = HeaderPattern::parse(std::string(condition.substr(0, condition.find(':'))) + ": *");
  if (!any || !any->matches(header)) std::abort();  // a field that has a certain value is there
  return 0;
}
