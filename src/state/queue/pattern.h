#pragma once
// What an administrator types to mean many: "*@example.org". * stands for any run of characters; ASCII case does not matter.
// Pure; any thread.

#include <string_view>

namespace godwit::queue {

bool pattern_match(std::string_view pattern, std::string_view text);

}  // namespace godwit::queue
