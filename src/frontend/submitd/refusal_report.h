#pragma once
// What a sender is told of recipients that were refused when his mail was taken out of the maildrop: sendmail has ended by then.
// Internal to the module.

#include <string_view>

#include "frontend/submitd/handover.h"

namespace godwit::submitd {

// A report (RFC 3464) to the sender, through intake; the reply is intake's. `original`: the beginning of the message, its header at
// least. The null path gets none (RFC 5321 6.1): 250.
Task<smtp::Reply> report_refusals(Context& context, const smtp::ReversePath& sender, const std::vector<Refused>& refused,
                                  std::string original);

}  // namespace godwit::submitd
