#include "app/route_secrets.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/log.h"
#include "edge/tls/context.h"
#include "service/routing/route_levels.h"

namespace godwit::app {
namespace {

constexpr std::size_t kMostBytes = 1'024;  // as sasl::kMaxPassword

void warn_of_strangers(const routing::Route& route, std::vector<std::string>& warnings) {
  for (const std::string& hop : routing::hops_that_learn_the_password(route))
    warnings.push_back(
        fmt::format("the route to {} has tls = \"{}\": the password of {} goes to whoever answers there, with any "
                    "certificate; write tls = \"verify\", or leave tls out",
                    hop, route.tls, route.user));
}

}  // namespace

Result<std::string> read_password(const std::string& path) {
  const auto bad = [&](std::string_view why) {
    return fail(Error::permanent(Error::Cause::not_found, fmt::format("password_file {} {}", path, why)));
  };
  std::ifstream file(path);
  if (!file) return bad(fmt::format("cannot be read ({}): it must be there and readable by the server's user", std::strerror(errno)));
  std::string line;
  std::getline(file, line);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return bad("has no password in its first line");
  if (line.size() > kMostBytes) return bad("has a first line of more than 1,024 bytes, which is no password");
  return line;
}

RoutePasswords read_route_passwords(const Config& config) {
  RoutePasswords out;
  for (const routing::Route& route : config.routes) {
    warn_of_strangers(route, out.warnings);
    const std::string& path = route.password_file;
    if (path.empty() || out.by_file.contains(path)) continue;
    auto password = read_password(path);
    if (!password) {
      out.problems.push_back(std::move(password).error().text);
      continue;
    }
    struct stat file{};
    if (::stat(path.c_str(), &file) == 0 && (file.st_mode & S_IROTH) != 0)
      out.warnings.push_back(fmt::format("password_file {0} can be read by everybody on this machine: chmod o-rwx {0}", path));
    out.by_file.emplace(path, *std::move(password));
  }
  return out;
}

std::shared_ptr<net::TlsConnector> make_verifying_connector(const Config& config) {
  if (std::ranges::none_of(config.routes, routing::looks_at_certificates)) return nullptr;
  auto made = tls::ClientContext::create({tls::Level::verify, ""});
  if (made) return *std::move(made);
  log::error("tls", {{"what", made.error().text}});
  return nullptr;
}

}  // namespace godwit::app
