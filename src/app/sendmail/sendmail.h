#pragma once
// The `sendmail` command, whole: words, input, header, hand-over. One thread; exits with a code of sysexits.h.

#include <string>
#include <vector>

namespace godwit::sendmail {

// 0 means kept: on stable storage of the server, or in the maildrop. Any other code: nothing of it was sent.
int run(const std::vector<std::string>& words);

}  // namespace godwit::sendmail
