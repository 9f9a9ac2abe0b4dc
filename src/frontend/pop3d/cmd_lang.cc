#include <algorithm>
#include <array>

#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"
#include "grammar/pop3/language.h"

namespace godwit::pop3d {

// RFC 6856 3. The texts are in English; i-default is the same, by its name for who has no choice (RFC 2277 4.5).
Task<> Session::cmd_lang(pop3::Command command) {
  if (command.text.empty()) {
    ok(text::kLanguages);
    for (const auto& [tag, name] : text::kOurLanguages) {
      out_ += tag;
      out_ += ' ';
      out_ += name;
      out_ += "\r\n";
    }
    out_ += ".\r\n";
    co_return;
  }
  std::array<std::string_view, text::kOurLanguages.size()> tags;
  std::ranges::transform(text::kOurLanguages, tags.begin(), &text::Language::tag);
  const std::string_view chosen = pop3::lookup_language(command.text, tags);
  if (chosen.empty()) co_return err(text::kNoSuchLanguage);
  ok(std::string(chosen) + ' ' + std::string(text::kLanguageChosen));
}

}  // namespace godwit::pop3d
