#pragma once
// From root to the configured user, keeping CAP_NET_BIND_SERVICE so that a reload can add listeners. Before any thread starts.

#include <string>

#include "base/result.h"

namespace godwit::app {

// Nothing when not root or `user` is empty. `data_dir` is made and given to the user first.
Result<void> drop_privileges(const std::string& user, const std::string& data_dir);

}  // namespace godwit::app
