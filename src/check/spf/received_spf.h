#pragma once
// The two ways to record a verdict in a message: RFC 7208 9.1 and 9.2. Pure; any thread.
//
// What client and publisher said is made harmless: no byte of it ends a line, a string or a comment, and nothing of it is longer
// than 255 bytes. UTF-8 of a sender stays (such a message has been announced with SMTPUTF8, RFC 6532); broken bytes become "?".

#include <string>

#include "check/spf/verdict.h"

namespace godwit::spf {

// "Received-SPF: pass (...)\r\n\tidentity=mailfrom; ...\r\n", folded near 78 bytes. It goes above the Received field of this server
// and above every other Received-SPF; one for each identity that was checked.
std::string received_spf(const Question& question, const Verdict& verdict);

// What stands between the semicolons of Authentication-Results: "spf=pass smtp.mailfrom=joe@example.org", "spf=none smtp.helo=mx".
// One line, which may be folded at its spaces. The result names are those of RFC 7601 2.7.2. For a null reverse path it is the
// HELO name that was looked up, so the property is smtp.helo then, too.
std::string authentication_result(const Question& question, const Verdict& verdict);

}  // namespace godwit::spf
