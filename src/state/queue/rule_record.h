#pragma once
// Rule <-> row: `server`, partition 0. Pure functions; any thread. docs/formats/queue.md.

#include <string>
#include <string_view>

#include "base/result.h"
#include "state/queue/rules.h"

namespace godwit::queue {

inline constexpr std::string_view kRulePrefix = "queue/rule/";  // on disk: do not change (docs/formats/queue.md)

std::string rule_key(std::uint64_t number);  // prefix | 8 bytes big-endian
Result<std::uint64_t> parse_rule_key(std::string_view key);
std::string encode_rule(const Rule& rule);
Result<Rule> decode_rule(std::uint64_t number, std::string_view value);

}  // namespace godwit::queue
