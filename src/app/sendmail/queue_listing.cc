#include "app/sendmail/queue_listing.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace godwit::sendmail {
namespace {

// Where `godwit` is when this program is in sbin, in lib, or beside it in a build.
std::string find_godwit() {
  std::array<char, 4'096> own{};
  const ssize_t size = ::readlink("/proc/self/exe", own.data(), own.size() - 1);
  std::string directory = size > 0 ? std::string(own.data(), static_cast<std::size_t>(size)) : std::string();
  directory.resize(directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/'));
  for (const std::string& candidate : {directory + "/godwit", directory + "/../bin/godwit", std::string("/usr/bin/godwit")})
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  return {};
}

}  // namespace

int show_queue(const Settings& settings, const std::string& config) {
  const gid_t own = ::getgid();
  if (::setresgid(own, own, own) != 0) return EX_OSERR;
  const bool down = ::access(settings.control_socket.c_str(), W_OK) != 0 && errno == ENOENT;
  const bool may = ::geteuid() == 0 || (!down && ::access(settings.control_socket.c_str(), W_OK) == 0);
  if (!may) {
    fmt::print(stderr, "sendmail: the queue may be seen by root, the server's user and its group{}\n",
               down ? "; the server is down, so only root can look now" : "");
    return EX_NOPERM;
  }
  const std::string program = find_godwit();
  if (!program.empty()) {
    ::execl(program.c_str(), "godwit", "queue", "list", "-c", config.c_str(), static_cast<char*>(nullptr));
  }
  fmt::print(stderr, "sendmail: the program godwit is not beside this one; the queue is shown by: godwit queue list\n");
  return EX_UNAVAILABLE;
}

}  // namespace godwit::sendmail
