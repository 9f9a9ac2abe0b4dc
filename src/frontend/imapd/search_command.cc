#include "frontend/imapd/search_command.h"

#include <algorithm>
#include <array>

#include "frontend/imapd/number_text.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

void uids_to_numbers(const mailbox::UidSet& view, std::vector<std::uint32_t>& uids) {
  for (auto& each : uids) each = view.sequence_of(each).value_or(0);
  std::erase(uids, 0u);
}

Task<> tell_numbers(Output& out, std::string name, Matches matches) {
  out.buffer() += "* " + name;
  for (const auto number : matches.numbers) {
    out.buffer() += ' ';
    append_number(out.buffer(), number);
    if (out.large()) co_await out.flush();
  }
  if (const auto modseq = modseq_of(matches, {})) out.buffer() += " (MODSEQ " + std::to_string(*modseq) + ')';
  out.buffer() += "\r\n";
}

bool names_keywords(const imap::SearchKey& key) {
  using enum imap::SearchKey::Kind;
  return key.kind == keyword || key.kind == unkeyword || std::ranges::any_of(key.keys, names_keywords);
}

Reply search_failed(const Error& error, const std::optional<imap::ReturnOptions>& options, Selected& selected) {
  if (options && options->save) selected.saved = {};
  if (error.cause != Error::Cause::unsupported) return reply_to(error);
  static constexpr auto kCharsets = std::to_array<std::string_view>({"US-ASCII", "UTF-8"});  // others too, but these are best
  std::string code;
  imap::append_bad_charset_code(code, kCharsets);
  return Reply::no("That charset is unknown here", std::move(code));
}

}  // namespace godwit::imapd
