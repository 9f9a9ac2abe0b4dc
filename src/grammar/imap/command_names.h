#pragma once
// The front of a command, for whoever must know what it is before all of it is there (command_reader.cc). A pure function, any thread.

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace godwit::imap {

struct CommandName {
  std::string_view name;         // in upper case, without "UID "
  std::size_t arguments_at = 0;  // offset of what stands behind the name
};

// Errors as of parse_command.
Result<CommandName> read_command_name(std::string_view text);

}  // namespace godwit::imap
