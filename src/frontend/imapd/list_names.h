#pragma once
// Which names a LIST, LSUB or XLIST shows, and what of each: RFC 9051 6.3.9, RFC 3501 6.3.9, RFC 5258, RFC 6154 5. Pure, any thread.

#include <string>
#include <vector>

#include "grammar/imap/command.h"
#include "grammar/imap/list_pattern.h"
#include "state/mailbox/folder.h"

namespace godwit::imapd {

struct ListedName {
  std::string name;
  const mailbox::Mailbox* mailbox = nullptr;  // of `folders`; null: there is none of that name, only others below it, or a subscription
  bool has_children = false;
  bool subscribed = false;
  bool child_subscribed = false;  // RFC 5258 3.5 CHILDINFO: one below it that the patterns do not show
};

// In the order of `folders`. As many as there are names in it and levels above them, at most.
std::vector<ListedName> list_names(const mailbox::Folders& folders, const imap::List& command,
                                   const std::vector<imap::ListPattern>& patterns);

// "(\HasChildren \Sent)"
std::string list_attributes(const ListedName& listed, const imap::List& command, bool rev2);

}  // namespace godwit::imapd
