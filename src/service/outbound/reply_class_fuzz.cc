// The reader of the tables: no crash, no hang, and whatever it takes classifies. Input: up to a NUL the text of a table of reply
// classes, behind it a reply; the text is read as a table of sites, too.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/toml_reader.h"
#include "service/outbound/reply_class.h"
#include "service/outbound/site_limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit;
  if (size > 8'192) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view table = input.substr(0, input.find('\0'));
  const std::string_view reply = table.size() == input.size() ? std::string_view("450 4.2.0 later") : input.substr(table.size() + 1);

  const auto classes = outbound::ReplyClasses::parse({table});
  if (classes && (*classes)->classify(reply, {4, 2, 0}).name.empty()) std::abort();
  if (!classes && classes.error().text.empty()) std::abort();

  TomlDocument document;
  std::vector<outbound::SiteRule> rules;
  if (document.load_text(table))
    document.read(
        [&](TomlTable& root) { root.tables("site", [&](TomlTable& of) { outbound::read_site_rule(of, rules.emplace_back()); }); });
  const auto limits = outbound::limits_of(reply, rules, {});
  if (document.errors().empty() && (limits.connections == 0 || limits.messages_per_connection == 0)) std::abort();
  return 0;
}
