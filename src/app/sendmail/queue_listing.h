#pragma once
// -bp and mailq: `godwit queue list`, for those who may see the queue (root, the server's user and its group).

#include <string>

#include "app/sendmail/settings.h"

namespace godwit::sendmail {

// Returns only when it cannot be shown: the sentence is on standard error, the exit code comes back.
int show_queue(const Settings& settings, const std::string& config);

}  // namespace godwit::sendmail
