#pragma once
// What `godwit quickstart` does to files: the configuration and a certificate, each made only where there is none. Blocking; run
// before any thread starts, as whoever may write there. Errors name the file and the mend.

#include <string>

#include "app/config.h"
#include "app/own_addresses.h"
#include "grammar/smtp/path.h"

namespace godwit::app {

struct QuickstartPlace {
  std::string config;    // godwit.toml, an absolute path; certificate and key of a new configuration go beside it
  std::string data_dir;  // for a new configuration
  std::string run_dir;   // the same; "" = data_dir
};

// Everything below `dir` if it is given; else beside `config_path`, with data in /var/lib/godwit.
Result<QuickstartPlace> choose_place(const std::string& dir, const std::string& config_path);

struct QuickstartFiles {
  Config config;  // as loaded: what an existing file says wins over what was found out
  bool config_made = false;
  bool certificate_made = false;
};

// The domain as it is served. Errors: an address literal, a single label, no domain.
Result<smtp::Domain> parse_served_domain(const std::string& text);

Result<QuickstartFiles> make_quickstart_files(const smtp::Domain& domain, const QuickstartPlace& place, const OwnAddresses& own);

}  // namespace godwit::app
