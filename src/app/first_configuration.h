#pragma once
// The configuration that `godwit quickstart` writes, and the host name that it finds. Pure.

#include <string>
#include <string_view>

#include "grammar/smtp/path.h"

namespace godwit::app {

struct FirstConfiguration {
  smtp::Domain domain;
  smtp::Domain hostname;
  std::string data_dir;
  std::string run_dir;  // "" = data_dir
  std::string user;     // "": whoever starts it
  std::string certificate;
  std::string key;
  bool ipv6 = true;  // listeners on [::] too; where the machine has no IPv6 they would refuse to start
};

// Commented TOML that load_config() takes without an error or a warning.
std::string configuration_text(const FirstConfiguration& wanted);

// The machine's own name if others can reach it by that, else "mail." before the domain. Not fit: one label, an address, and
// names that mean something on the local network alone (RFC 6761, RFC 6762, RFC 8375, and what routers and clouds make up).
smtp::Domain choose_hostname(std::string_view machine_name, const smtp::Domain& domain);

}  // namespace godwit::app
