#pragma once
// A message that is ready to go, and the two ways it can take.

#include <string>

#include "app/sendmail/settings.h"
#include "app/sendmail/spool.h"
#include "grammar/smtp/reply.h"
#include "grammar/submit/envelope.h"

namespace godwit::sendmail {

struct Submission {
  submit::Envelope envelope;
  std::string head;      // what is in front of the spool's bytes from `body` on
  std::size_t body = 0;  // offset in the spool
  const Spool* spool = nullptr;

  std::uint64_t size() const { return head.size() + spool->size() - body; }
};

// Over submit.sock; the reply comes when the message is kept, or refused. An error means that no server answered it: nobody listens
// (`not_found`), or it went away half-way.
Result<smtp::Reply> submit_to(const std::string& socket, const Submission& submission);

// Into the maildrop: synced, file and name, when it returns. `group` is the group to write with (the one sendmail is installed with).
Result<void> leave_in(const std::string& maildrop, const Submission& submission, unsigned group);

// The one where it can, else the other. 250 means kept; 451 that neither could.
smtp::Reply hand_over(const Submission& submission, const Settings& settings, unsigned group);

}  // namespace godwit::sendmail
