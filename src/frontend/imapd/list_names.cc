#include "frontend/imapd/list_names.h"

#include <algorithm>
#include <map>

namespace godwit::imapd {
namespace {

using imap::List;
using mailbox::Folders;
using mailbox::kDelimiter;

// INBOX first, then by the bytes, as Folders has it.
struct InOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    const bool a_inbox = a == "INBOX";
    const bool b_inbox = b == "INBOX";
    if (a_inbox != b_inbox) return a_inbox;
    return a < b;
  }
};
using Names = std::map<std::string, ListedName, InOrder>;

template <class Visit>
void for_each_parent(std::string_view name, Visit visit) {
  for (std::size_t at = name.rfind(kDelimiter); at != std::string_view::npos && at > 0; at = name.rfind(kDelimiter, at - 1))
    visit(std::string(name.substr(0, at)));
}

ListedName& put(Names& names, const std::string& name) {
  const auto [at, fresh] = names.try_emplace(name);
  if (fresh) at->second.name = name;
  return at->second;
}

bool matches(const std::vector<imap::ListPattern>& patterns, const std::string& name) {
  return std::ranges::any_of(patterns, [&](const imap::ListPattern& pattern) { return pattern.matches(name); });
}

// Every mailbox and every name above one.
void add_mailboxes(Names& names, const Folders& folders) {
  for (const auto& each : folders.mailboxes) {
    put(names, each.name).mailbox = &each;
    for_each_parent(each.name, [&](const std::string& parent) { put(names, parent).has_children = true; });
  }
}

void add_subscriptions(Names& names, const Folders& folders, bool names_too, const std::vector<imap::ListPattern>& patterns) {
  for (const auto& name : folders.subscriptions) {
    if (!names_too && !names.contains(name)) continue;
    put(names, name).subscribed = true;
    const bool shown = matches(patterns, name);
    for_each_parent(name, [&](const std::string& parent) { put(names, parent).child_subscribed |= !shown; });
  }
}

bool is_selected(const ListedName& each, const List& command) {
  const bool children = command.recursive_match && each.child_subscribed;
  if (command.form == List::Form::lsub || command.select_subscribed) {
    // RFC 3501 6.3.9: a name above a subscribed one stands in for it where a % hides that one
    const bool stands_in = command.form == List::Form::lsub && each.child_subscribed;
    if (!each.subscribed && !children && !stands_in) return false;
  }
  if (!command.select_special_use) return true;
  return each.mailbox != nullptr && each.mailbox->special_use != mailbox::SpecialUse::none;
}

}  // namespace

std::vector<ListedName> list_names(const Folders& folders, const List& command, const std::vector<imap::ListPattern>& patterns) {
  Names names;
  const bool by_subscription = command.form == List::Form::lsub || command.select_subscribed;
  add_mailboxes(names, folders);
  add_subscriptions(names, folders, by_subscription, patterns);
  std::vector<ListedName> listed;
  for (auto& [name, each] : names) {
    if (!is_selected(each, command) || !matches(patterns, name)) continue;
    const bool known = each.mailbox != nullptr || each.has_children || by_subscription;
    if (known) listed.push_back(std::move(each));
  }
  return listed;
}

std::string list_attributes(const ListedName& listed, const List& command, bool rev2) {
  std::string out = "(";
  auto add = [&](std::string_view attribute) {
    if (out.size() > 1) out += ' ';
    out += attribute;
  };
  const bool lsub = command.form == List::Form::lsub;
  const bool plain = lsub || (!command.extended && !rev2);
  if (lsub ? !listed.subscribed : listed.mailbox == nullptr) add(plain ? "\\Noselect" : "\\NonExistent");
  if (!lsub) add(listed.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if (listed.subscribed && (command.select_subscribed || command.return_subscribed)) add("\\Subscribed");
  if (command.form == List::Form::xlist && listed.name == "INBOX") add("\\Inbox");
  if (!lsub && listed.mailbox != nullptr && listed.mailbox->special_use != mailbox::SpecialUse::none)
    add(mailbox::to_string(listed.mailbox->special_use));
  return out + ")";
}

}  // namespace godwit::imapd
