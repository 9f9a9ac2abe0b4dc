#pragma once
// A certificate that vouches for itself: for `godwit demo` and for tests. Blocking; any thread.

#include <string>
#include <vector>

#include "base/result.h"

namespace godwit::tls {

// P-256, for `names` (DNS names, at least one; the first is also the subject's) and for 127.0.0.1 and ::1, valid for
// `days` from yesterday on (a negative number makes one that has expired). The certificate gets mode 0644, the key 0600;
// files that exist are replaced.
Result<void> make_self_signed(const std::vector<std::string>& names, const std::string& certificate_path, const std::string& key_path,
                              int days = 397);

}  // namespace godwit::tls
