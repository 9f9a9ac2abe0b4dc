#include "state/mailbox/folder.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace godwit::mailbox {
namespace {

struct Attribute {
  SpecialUse use;
  std::string_view text;
};
constexpr std::array<Attribute, 6> kAttributes = {{{SpecialUse::archive, "\\Archive"},
                                                   {SpecialUse::drafts, "\\Drafts"},
                                                   {SpecialUse::junk, "\\Junk"},
                                                   {SpecialUse::sent, "\\Sent"},
                                                   {SpecialUse::trash, "\\Trash"},
                                                   {SpecialUse::important, "\\Important"}}};

bool is_inbox(const Mailbox& mailbox) { return mailbox.name == "INBOX"; }

}  // namespace

std::string_view to_string(SpecialUse use) {
  const auto* const found = std::ranges::find(kAttributes, use, &Attribute::use);
  return found == kAttributes.end() ? std::string_view() : found->text;
}

std::optional<SpecialUse> parse_special_use(std::string_view attribute) {
  for (const auto& each : kAttributes) {
    if (ascii_iequals(each.text, attribute)) return each.use;
  }
  return std::nullopt;
}

const Mailbox* Folders::find(std::string_view name) const {
  if (mailboxes.empty()) return nullptr;
  if (mailboxes.front().name == name) return &mailboxes.front();
  const auto rest = mailboxes.begin() + (is_inbox(mailboxes.front()) ? 1 : 0);
  const auto at =
      std::lower_bound(rest, mailboxes.end(), name, [](const Mailbox& each, std::string_view wanted) { return each.name < wanted; });
  return at != mailboxes.end() && at->name == name ? &*at : nullptr;
}

bool Folders::has_children(std::string_view name) const {
  if (mailboxes.empty()) return false;
  const std::string below = std::string(name) + kDelimiter;
  const auto rest = mailboxes.begin() + (is_inbox(mailboxes.front()) ? 1 : 0);
  const auto at =
      std::lower_bound(rest, mailboxes.end(), below, [](const Mailbox& each, const std::string& wanted) { return each.name < wanted; });
  return at != mailboxes.end() && at->name.starts_with(below);
}

bool Folders::is_subscribed(std::string_view name) const { return std::ranges::binary_search(subscriptions, name, std::less<>()); }

}  // namespace godwit::mailbox
