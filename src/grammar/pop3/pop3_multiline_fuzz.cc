// A message in pieces of any size: a client that undoes the dots gets it back, and no end of the response is inside.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/pop3/multiline.h"
#include "grammar/pop3/top.h"

namespace {

// What a client does: lines end at LF; a lone dot ends; a leading dot goes.
std::string undo(std::string_view wire) {
  std::string out;
  while (!wire.empty()) {
    const std::size_t newline = wire.find('\n');
    GODWIT_CHECK(newline != std::string_view::npos);
    std::string_view line = wire.substr(0, newline + 1);
    wire.remove_prefix(newline + 1);
    if (line == ".\r\n") {
      GODWIT_CHECK(wire.empty());
      return out;
    }
    if (line.starts_with('.')) line.remove_prefix(1);
    out += line;
  }
  godwit::check_failed("the response ends", __FILE__, __LINE__);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit;
  if (size < 2) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  const std::string_view message(reinterpret_cast<const char*>(data) + 2, size - 2);

  pop3::MultilineWriter writer;
  pop3::TopFilter filter(data[1]);
  std::string wire, top;
  for (std::size_t at = 0; at < message.size(); at += piece) {
    writer.append(wire, message.substr(at, piece));
    top += filter.take(message.substr(at, piece));
  }
  writer.finish(wire);
  const bool ends = message.empty() || message.ends_with("\r\n");
  GODWIT_CHECK(undo(wire) == std::string(message) + (ends ? "" : "\r\n"));
  GODWIT_CHECK(message.starts_with(top));
  return 0;
}
