// SASL: no crash in any order of steps; what PLAIN parses builds back to the same bytes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/sasl/mechanism.h"
#include "grammar/sasl/plain.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto credentials = sasl::parse_plain(input)) {
    if (sasl::build_plain(*credentials) != input) std::abort();
  }
  const auto server = sasl::make_server_mechanism("LOGIN");
  const auto cut = input.find('\n');
  auto step = cut == std::string_view::npos ? server->start(std::nullopt) : server->start(input.substr(0, cut));
  std::string_view rest = cut == std::string_view::npos ? input : input.substr(cut + 1);
  for (int steps = 0; steps < 4 && std::holds_alternative<sasl::Challenge>(step); ++steps) {
    const auto end = rest.find('\n');
    step = server->step(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  if (const auto* credentials = std::get_if<sasl::Credentials>(&step); credentials != nullptr && credentials->authcid.empty()) std::abort();
  return 0;
}
