#include "grammar/imap/flags.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace godwit::imap {
namespace {

struct Name {
  std::string_view text;
  SystemFlag flag;
};
constexpr std::array<Name, 5> kNames = {{{"\\Answered", SystemFlag::answered},
                                         {"\\Flagged", SystemFlag::flagged},
                                         {"\\Deleted", SystemFlag::deleted},
                                         {"\\Seen", SystemFlag::seen},
                                         {"\\Draft", SystemFlag::draft}}};

}  // namespace

bool Flags::add_keyword(std::string_view keyword) {
  if (std::ranges::any_of(keywords, [&](const std::string& each) { return ascii_iequals(each, keyword); })) return false;
  keywords.emplace_back(keyword);
  return true;
}

std::uint8_t system_flag(std::string_view name) {
  const auto found = std::ranges::find_if(kNames, [&](const Name& each) { return ascii_iequals(each.text, name); });
  return found == kNames.end() ? 0 : static_cast<std::uint8_t>(found->flag);
}

std::string to_string(const Flags& flags) {
  std::string out;
  const auto put = [&](std::string_view name) {
    if (!out.empty()) out += ' ';
    out += name;
  };
  for (const auto& each : kNames)
    if (flags.has(each.flag)) put(each.text);
  for (const auto& keyword : flags.keywords) put(keyword);
  return out;
}

}  // namespace godwit::imap
