#pragma once
// BODY and BODYSTRUCTURE as a FETCH response writes them: RFC 3501 7.4.2, RFC 9051 7.5.2. Pure functions, any thread.

#include <cstdint>
#include <string>

#include "grammar/imap/dialect.h"
#include "grammar/message/mime.h"

namespace godwit::imapd {

// The part of that index (0: the message) with all that is in it; `extended`: BODYSTRUCTURE. Types and encodings in lower case.
//
// What the grammar demands and mail does not always have: a multipart without parts gets an empty text/plain one; a composite part that was
// not taken apart is application/octet-stream; a message whose envelope was beyond the limits has one of NILs.
// Recursion is as deep as the message, message::kMaxMimeDepth at most.
void append_body_structure(std::string& out, const message::Structure& structure, std::uint32_t part, bool extended,
                           const imap::Dialect& dialect);

}  // namespace godwit::imapd
