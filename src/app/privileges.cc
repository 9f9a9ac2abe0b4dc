#include "app/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "app/data_directory.h"

namespace godwit::app {
namespace {

std::unexpected<Error> failed(const std::string& what) {
  return fail(Error::permanent(Error::Cause::denied, fmt::format("{}: {}", what, std::generic_category().message(errno))));
}

// libcap would be one more library for one call
Result<void> keep_bind_capability() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  constexpr unsigned bit = 1u << CAP_NET_BIND_SERVICE;
  data[0].effective = bit;
  data[0].permitted = bit;
  if (syscall(SYS_capset, &header, data) != 0) return failed("cannot keep CAP_NET_BIND_SERVICE");
  return {};
}

// false: there is nothing to change.
Result<bool> become(const std::string& user, const std::string& data_dir, bool keep_capabilities) {
  if (user.empty() || geteuid() != 0) return false;
  errno = 0;
  const passwd* const entry = getpwnam(user.c_str());
  if (!entry)
    return fail(
        Error::permanent(Error::Cause::not_found,
                         fmt::format("user \"{}\" does not exist on this machine; make it, or change user = in the configuration", user)));
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  GODWIT_TRY(make_data_directory(data_dir));
  if (chown(data_dir.c_str(), uid, gid) != 0) return failed(fmt::format("cannot give {} to {}", data_dir, user));
  if (keep_capabilities && prctl(PR_SET_KEEPCAPS, 1) != 0) return failed("prctl");
  if (initgroups(user.c_str(), gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
    return failed(fmt::format("cannot become {}", user));
  return true;
}

}  // namespace

Result<void> drop_privileges(const std::string& user, const std::string& data_dir) {
  GODWIT_ASSIGN(const bool changed, become(user, data_dir, true));
  if (!changed) return {};
  GODWIT_TRY(keep_bind_capability());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl");
  return {};
}

Result<void> become_user(const std::string& user, const std::string& data_dir) {
  GODWIT_TRY(become(user, data_dir, false));
  return {};
}

}  // namespace godwit::app
