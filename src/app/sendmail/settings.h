#pragma once
// What sendmail needs of godwit.toml. Everything else in the file is the server's to judge: sendmail works beside an older or newer one.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace godwit::sendmail {

struct Settings {
  std::string hostname;  // right side of Message-IDs
  std::string socket;
  std::string control_socket;
  std::string maildrop;
  std::uint64_t max_message_size = 50ULL << 20;
  std::uint64_t max_recipients = 1'000;
};

Result<Settings> load_settings(const std::string& path);

}  // namespace godwit::sendmail
