// Address lists: each addr-spec that comes out is one, and reads the same again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/message/address.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ignore(message::parse_addr_spec(input), "it need only not crash");
  const auto list = message::parse_address_list(input);
  if (!list) return 0;
  for (const auto& mailbox : list->mailboxes) {
    const auto again = message::parse_addr_spec(mailbox.addr_spec());
    if (!again || again->local != mailbox.local || again->domain != mailbox.domain) std::abort();
  }
  return 0;
}
