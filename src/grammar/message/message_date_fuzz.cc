// Dates: what is parsed reads the same when it is written.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/message/date.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto date = message::parse_date(input);
  if (!date) return 0;
  const auto again = message::parse_date(message::format_date(*date));
  if (!again || again->time != date->time || again->offset_minutes != date->offset_minutes) std::abort();
  return 0;
}
