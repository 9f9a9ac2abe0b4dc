#pragma once
// Addresses in header fields: RFC 5322 3.4 with the obsolete syntax of 4.4, RFC 6532 (UTF-8). Values; any thread.
//
// More is allowed here than in an envelope: comments, folding, "a . b"@example.org, any domain literal. Who wants to send to such an
// address gives Mailbox::addr_spec() to smtp::parse_address(), which decides.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::message {

struct Mailbox {
  std::string display_name;  // unquoted, white space collapsed, encoded words as they are; the comment if there is no phrase
  std::string local;         // what is meant: unquoted, without comments
  std::string domain;        // without comments and white space, case kept; "[...]" for a literal
  std::string group;         // of a group's member: its name
  std::string route{};       // RFC 5322 4.4 obs-route without its colon, "@a.test,@b.test": IMAP shows it, nobody uses it

  std::string addr_spec() const;  // local part quoted where it must be
};

struct AddressList {
  std::vector<Mailbox> mailboxes;  // in order, groups flattened
  bool has_group = false;
};

// From, Sender, To ...: the field's body, folded or not. At most 64 KiB and 10,000 mailboxes. Empty entries between commas are
// passed over (RFC 5322 4.4). Errors carry position and rule.
Result<AddressList> parse_address_list(std::string_view text);

// One addr-spec (RFC 5322 3.4.1) and nothing else but comments and white space.
Result<Mailbox> parse_addr_spec(std::string_view text);

}  // namespace godwit::message
