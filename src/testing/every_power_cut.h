#pragma once
// How thorough the power cut tests are: points spread over a run by default, each and every one with GODWIT_POWER_CUT_ALL=1 in
// the environment (./dev prove).

#include <cstdlib>
#include <string_view>

namespace godwit::testing {

inline bool every_power_cut() {
  const char* text = std::getenv("GODWIT_POWER_CUT_ALL");
  return text != nullptr && std::string_view(text) == "1";
}

}  // namespace godwit::testing
