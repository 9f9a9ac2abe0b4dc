#pragma once
// Exit codes of sysexits.h, and which of them a reply of the server means.

#include <sysexits.h>

#include "grammar/smtp/reply.h"

namespace godwit::sendmail {

inline int exit_code_of(const smtp::Reply& reply) {
  const smtp::EnhancedCode& why = reply.enhanced;
  if (reply.positive()) return EX_OK;
  if (why.subject == 5 && why.detail == 3) return EX_UNAVAILABLE;  // too many recipients: waiting does not mend it
  if (!reply.permanent()) return EX_TEMPFAIL;
  if (why.subject == 1 && why.detail == 1) return EX_NOUSER;
  if (why.subject == 1 || why.subject == 6) return EX_DATAERR;  // an address or the message is malformed
  if (why.subject == 3 && why.detail == 4) return EX_DATAERR;   // too big
  if (why.subject == 7) return EX_NOPERM;
  return EX_UNAVAILABLE;
}

}  // namespace godwit::sendmail
