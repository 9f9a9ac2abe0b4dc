#pragma once
// Which languages a mail asks for: RFC 3282 (Content-Language, Accept-Language), RFC 4647 3.4 (lookup). Pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace godwit::dsn {

// "de", "pt-br": letters, digits and hyphens, in lower case; "" if it is no language tag (RFC 5646 2.1, its form alone).
std::string language_tag(std::string_view text);

// The tags of Accept-Language, the most wanted first; those with q=0 and "*" are left out. At most 20.
std::vector<std::string> accepted_languages(std::string_view value);
// The tags of Content-Language in their order.
std::vector<std::string> content_languages(std::string_view value);

// `tag` and what it stands under: "de-AT" is looked for as "de-at" and as "de". "" if there is none.
std::string lookup_language(std::string_view tag, const std::vector<std::string>& known);

}  // namespace godwit::dsn
