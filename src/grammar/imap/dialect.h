#pragma once
// What of the language has been changed by ENABLE on this connection. A value, any thread.

namespace godwit::imap {

struct Dialect {
  bool utf8_accept = false;  // ENABLE UTF8=ACCEPT (RFC 6855 3)
  bool rev2 = false;         // ENABLE IMAP4rev2 (RFC 9051)

  // Quoted strings may hold UTF-8, and mailbox names are UTF-8 instead of modified UTF-7.
  bool utf8() const { return utf8_accept || rev2; }
  bool operator==(const Dialect&) const = default;
};

}  // namespace godwit::imap
