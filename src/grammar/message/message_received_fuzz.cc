// Received: whatever a client says, one field comes out and nothing else.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/message/header.h"
#include "grammar/message/received.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const IpAddress client{false, {192, 0, 2, 7}};
  message::Received received;
  const std::string_view half = input.substr(input.size() / 2);
  received.helo = input;
  received.client = (data[0] & 1) != 0 ? &client : nullptr;
  received.client_name = half;
  received.by = half;
  received.tls = (data[0] & 2) != 0;
  received.authenticated = (data[0] & 4) != 0;
  received.smtputf8 = (data[0] & 8) != 0;
  received.lmtp = (data[0] & 16) != 0;
  received.tls_cipher = received.tls_version = received.identity = half;
  received.id = received.recipient = input;
  received.date.time = std::chrono::sys_seconds(std::chrono::seconds(1'795'349'919));
  const std::string out = message::format_received(received);
  message::HeaderScanner scanner;
  scanner.feed(out);
  scanner.feed("\r\n");
  if (!scanner.done() || scanner.summary().fields != 1 || scanner.summary().received != 1 || scanner.summary().size != out.size())
    std::abort();
  return 0;
}
