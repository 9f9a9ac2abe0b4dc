#pragma once
// What this server can, as CAPABILITY announces it, and which of it a session may use. A capability is announced only when it is whole.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::imapd {

struct CapabilityState {
  bool authenticated = false;
  bool tls_offered = false;  // STARTTLS would work now
  bool may_log_in = false;   // else LOGINDISABLED
  bool compressed = false;   // COMPRESS is on already
  std::uint64_t append_limit = 0;
};

// "IMAP4rev1 IMAP4rev2 ...", without those in `without` (upper case).
std::string capability_list(const CapabilityState& state, const std::vector<std::string>& without);

// Whether `capability` (upper case, e.g. "QRESYNC") is neither switched off nor unknown.
bool has_capability(std::string_view capability, const std::vector<std::string>& without);
bool is_known_capability(std::string_view capability);
// What an operator wants switched off (`[imap] without`, `account set --imap-without`): in upper case, sorted, each once. Everything but
// IMAP4rev1 may be; the error is a sentence, and for an unknown name it says which there are.
Result<std::vector<std::string>> read_without(std::vector<std::string> names);

}  // namespace godwit::imapd
