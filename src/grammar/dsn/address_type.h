#pragma once
// Typed addresses of reports: "rfc822;anna@example.org", "utf-8;..." and their encodings. RFC 3461 4 (xtext), RFC 6533 3 (unitext).

#include <string>
#include <string_view>

namespace godwit::dsn {

// RFC 3461 4: "+2B" becomes "+". Text that is no xtext comes back as it is.
std::string decode_xtext(std::string_view xtext);

// Final-Recipient: "rfc822;" for an ASCII address, "utf-8;" otherwise; `utf8` = the field may hold UTF-8 (else "\x{E9}" stands for it).
std::string typed_address(std::string_view address, bool utf8);
// Original-Recipient from an ORCPT parameter as received.
std::string typed_orcpt(std::string_view orcpt, bool utf8);

}  // namespace godwit::dsn
