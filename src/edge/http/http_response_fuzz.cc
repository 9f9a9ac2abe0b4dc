// A response from arbitrary bytes, in pieces of every size: bounded, no crash, and the same however it is cut.

#include <cstdint>
#include <cstdlib>

#include "edge/http/response_reader.h"

namespace {

struct Outcome {
  bool done = false;
  unsigned status = 0;
  std::string body;
};

Outcome read_in_pieces(std::string_view bytes, std::size_t piece) {
  using namespace godwit::http;
  constexpr ResponseLimits kLimits{8 * 1'024, 4 * 1'024};
  ResponseReader reader(kLimits);
  while (!bytes.empty() && !reader.done()) {
    if (!reader.feed(bytes.substr(0, piece))) return {};
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (!reader.done() && !reader.finish()) return {};
  auto response = reader.take();
  if (response.body.size() > kLimits.body) std::abort();
  return {true, response.status, std::move(response.body)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 32'768) return 0;
  read_in_pieces(bytes, bytes.size() + 1);
  const Outcome small = read_in_pieces(bytes, 1);
  const Outcome seven = read_in_pieces(bytes, 7);
  if (small.done && seven.done && (small.status != seven.status || small.body != seven.body)) std::abort();
  return 0;
}
