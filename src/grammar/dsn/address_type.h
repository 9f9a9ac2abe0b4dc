#pragma once
// Typed addresses of reports: "rfc822;anna@example.org", "utf-8;..." and their encodings. RFC 3461 4 (xtext), RFC 6533 3 (unitext).

#include <string>
#include <string_view>

namespace godwit::dsn {

// RFC 3461 4: "+2B" becomes "+". Text that is no xtext comes back as it is.
std::string decode_xtext(std::string_view xtext);

// Final-Recipient: "rfc822; " and an ASCII address, or "utf-8; " and the address in UTF-8 (RFC 6533 3).
std::string typed_address(std::string_view address);
// Original-Recipient from an ORCPT parameter as received; an embedded "\x{E9}" becomes the character.
std::string typed_orcpt(std::string_view orcpt);

}  // namespace godwit::dsn
