#pragma once
// Mail that the server itself writes: bounces, delay notices, refusals of what was left in the maildrop. It goes in as all other mail
// does, with the null reverse path and NOTIFY=NEVER, so that nothing reports about a report (RFC 5321 4.5.5, RFC 3461 6.1). Any loop.

#include <string>

#include "service/intake/intake.h"

namespace godwit::intake {

struct OwnMail {
  std::string session;  // names the occasion in the log and in the queue
  std::string helo;     // the server's name
  smtp::Address to;
  std::string bytes;
  bool eight_bit = false;
  bool smtputf8 = false;
};

// The reply of the first step that says no, or that of the commit.
Task<smtp::Reply> hand_in(Intake& intake, OwnMail mail);

}  // namespace godwit::intake
