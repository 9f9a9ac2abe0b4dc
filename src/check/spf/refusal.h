#pragma once
// The reply to MAIL, RCPT or DATA of a server that refuses by SPF. Whether it does is its policy, not ours. Pure; any thread.

#include <optional>

#include "check/spf/verdict.h"
#include "grammar/smtp/reply.h"

namespace godwit::spf {

// RFC 7208 8.4, 8.6, 8.7 with the codes of RFC 7372 3.2: fail 550 5.7.23, permerror 550 5.7.24, temperror 451 4.7.24; nothing for
// the other results. Behind the first line comes the publisher's explanation, named as his.
std::optional<smtp::Reply> refusal(const Question& question, const Verdict& verdict);

}  // namespace godwit::spf
