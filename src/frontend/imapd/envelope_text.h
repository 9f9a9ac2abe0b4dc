#pragma once
// ENVELOPE as a FETCH response writes it: RFC 3501 7.4.2, RFC 9051 7.5.2. Pure functions, any thread.

#include <string>

#include "grammar/imap/dialect.h"
#include "grammar/message/envelope.h"

namespace godwit::imapd {

// "(" date subject from sender reply-to to cc bcc in-reply-to message-id ")". Encoded words stay as they are; 8-bit text is a literal where
// the dialect has no UTF-8.
void append_envelope(std::string& out, const message::Envelope& envelope, const imap::Dialect& dialect);

}  // namespace godwit::imapd
