#pragma once
// From root to the configured user. Before any thread but the log's starts.

#include <string>

#include "base/result.h"

namespace godwit::app {

// The server, which keeps CAP_NET_BIND_SERVICE so that a reload can add listeners. Nothing when not root or `user` is empty.
// `data_dir` is made and given to the user first.
Result<void> drop_privileges(const std::string& user, const std::string& data_dir);
// A command that works on the store while the server is down: what it makes must belong to the server's user.
Result<void> become_user(const std::string& user, const std::string& data_dir);

}  // namespace godwit::app
