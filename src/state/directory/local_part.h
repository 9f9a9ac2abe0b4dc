#pragma once
// Local parts of our own domains as keys: which spellings name the same mailbox. Pure functions, any thread.
//
// RFC 5321 2.4 lets the receiving host alone decide what a local part means. Here "Anna" is "anna" (ASCII case), and UTF-8
// is compared in NFC (RFC 6532 3.1), so that two keyboards that compose an accent differently reach the same account.

#include <optional>
#include <string>
#include <string_view>

namespace godwit::directory {

inline constexpr std::string_view kCatchAll = "*";

std::string normalise_local(std::string_view local);

// "user" for "user+tag" (normalised text in and out); nothing when there is no tag or nothing in front of it.
std::optional<std::string> without_tag(std::string_view normalised);

// RFC 5321 4.5.1: postmaster must reach somebody; RFC 2142 4: so should abuse.
bool is_reserved_role(std::string_view normalised);

}  // namespace godwit::directory
