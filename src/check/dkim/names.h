#pragma once
// Domain names in tags (d=, s=, the end of i=) as the DNS knows them. Pure functions, any thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::dkim {

// `text` as A-labels in lower case. RFC 6376 3.5 domain-name (min_labels 2) and selector (min_labels 1): labels of letters,
// digits and hyphens, 63 bytes each, 253 in all; RFC 8616 5: U-labels too, which become A-labels. `syntax` errors.
godwit::Result<std::string> parse_dns_name(std::string_view text, std::size_t min_labels);

// `name` is `parent` or below it; both as parse_dns_name() gives them.
bool is_within(std::string_view name, std::string_view parent);

}  // namespace godwit::dkim
