#pragma once
// Domain names between presentation and wire form. Pure functions; any thread.
//
// RFC 1035 2.3.4: a label has at most 63 bytes, a name at most 255 in wire form. Errors are `syntax`, with the position.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace godwit::dns {

inline constexpr std::size_t kMaxLabel = 63;
inline constexpr std::size_t kMaxName = 255;  // in wire form, the final zero included

// "example.org", with or without the final dot, \DDD and \c understood; case is kept. "" and "." are the root.
Result<std::string> name_to_wire(std::string_view text);

// Reads an uncompressed name at `position` and moves it behind; presented as record.h says.
// Compression pointers are refused: what is read here are single records taken out of their message.
Result<std::string> name_from_wire(std::string_view wire, std::size_t& position);

// The one way to write a name: lower case, no final dot, no needless escapes.
Result<std::string> normal_name(std::string_view text);

// RFC 1035 3.5 "1.2.0.192.in-addr.arpa", RFC 3596 2.5 "1.0.0...8.b.d.0.1.0.0.2.ip6.arpa".
std::string reverse_name(const IpAddress& address);

}  // namespace godwit::dns
