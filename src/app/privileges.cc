#include "app/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace godwit::app {
namespace {

Result<void> failed(const std::string& what) {
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

}  // namespace

Result<void> drop_privileges(const std::string& user, const std::string& data_dir) {
  if (user.empty() || geteuid() != 0) return {};
  errno = 0;
  const passwd* const entry = getpwnam(user.c_str());
  if (!entry)
    return fail(
        Error::permanent(Error::Cause::not_found,
                         fmt::format("user \"{}\" does not exist on this machine; make it, or change user = in the configuration", user)));
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (mkdir(data_dir.c_str(), 0711) != 0 && errno != EEXIST) return failed(fmt::format("cannot make {}", data_dir));
  if (chown(data_dir.c_str(), uid, gid) != 0) return failed(fmt::format("cannot give {} to {}", data_dir, user));
  if (prctl(PR_SET_KEEPCAPS, 1) != 0) return failed("prctl");
  if (initgroups(user.c_str(), gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
    return failed(fmt::format("cannot become {}", user));
  GODWIT_TRY(keep_bind_capability());
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl");
  return {};
}

}  // namespace godwit::app
