// Any bytes as a command line; what is accepted keeps the promises of the header.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "grammar/pop3/command.h"
#include "grammar/pop3/language.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto command = pop3::parse_command(line);
  if (!command) {
    GODWIT_CHECK(command.error().position <= line.size());
    return 0;
  }
  GODWIT_CHECK(!command->message || *command->message > 0);
  GODWIT_CHECK(command->text.size() + (command->initial_response ? command->initial_response->size() : 0) <= line.size());
  GODWIT_CHECK(!command->text.contains('\0'));
  const bool needs_message = command->verb == pop3::Verb::retr || command->verb == pop3::Verb::dele || command->verb == pop3::Verb::top;
  GODWIT_CHECK(!needs_message || command->message);
  if (command->verb != pop3::Verb::lang || command->text.empty()) return 0;
  GODWIT_CHECK(pop3::is_language_range(command->text));
  constexpr std::string_view kOurs[] = {"en", "i-default", "zh-Hant"};
  const auto chosen = pop3::lookup_language(command->text, kOurs);
  GODWIT_CHECK(chosen.size() <= command->text.size() || command->text == "*");
  return 0;
}
