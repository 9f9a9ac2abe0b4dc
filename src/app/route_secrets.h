#pragma once
// What routes need besides the configuration: passwords out of their files, and certificates to verify by. Any thread.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "edge/net/stream.h"

namespace godwit::app {

struct RoutePasswords {
  std::map<std::string, std::string> by_file;  // the first line of each password_file
  std::vector<std::string> problems;           // files that cannot be read or hold none: a sentence each, with the mend
  std::vector<std::string> warnings;           // works, but should not stay so: files open to all, passwords for strangers
};
RoutePasswords read_route_passwords(const Config& config);

// The first line of a password file. Errors name it, and the mend.
Result<std::string> read_password(const std::string& path);

// Null when no route asks for verified certificates, or the system has none (which is logged).
std::shared_ptr<net::TlsConnector> make_verifying_connector(const Config& config);

}  // namespace godwit::app
