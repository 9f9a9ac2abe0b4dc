#pragma once
// The language of the server's texts: ranges as LANG carries them (RFC 6856 3, RFC 4647). Pure, any thread.

#include <span>
#include <string_view>

namespace godwit::pop3 {

// RFC 4647 2.1: a basic language range, "de", "de-CH", "*".
bool is_language_range(std::string_view text);

// RFC 4647 3.4: the one of `available` that is meant by the range, which loses subtags from its end until something matches; "*" is the
// first. Nothing of `available`: "". ASCII case does not matter; `available` is not empty.
std::string_view lookup_language(std::string_view range, std::span<const std::string_view> available);

}  // namespace godwit::pop3
