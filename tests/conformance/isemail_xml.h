#pragma once
// The cases of the isemail suite out of its XML files: just their simple shape, no general XML. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace godwit::conformance {

struct IsemailCase {
  std::string id;
  std::string address;    // bytes: U+2400 + n turned into byte n, the rest UTF-8
  std::string category;   // "ISEMAIL_ERR"
  std::string diagnosis;  // "ISEMAIL_ERR_NODOMAIN"
};

std::vector<IsemailCase> parse_isemail(std::string_view xml);

}  // namespace godwit::conformance
