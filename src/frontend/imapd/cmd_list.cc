#include <algorithm>

#include "frontend/imapd/list_names.h"
#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

std::string_view word(imap::List::Form form) {
  switch (form) {
    case imap::List::Form::list: return "LIST";
    case imap::List::Form::lsub: return "LSUB";
    case imap::List::Form::xlist: return "XLIST";
  }
  return "LIST";
}

}  // namespace

// LIST, LSUB, XLIST: RFC 9051 6.3.9, RFC 3501 6.3.9, RFC 5258, RFC 5819
Task<Reply> Session::cmd(imap::List command) {
  const std::string form(word(command.form));
  if (command.extended && !has("LIST-EXTENDED")) co_return Reply::bad("This server does not have that form of LIST");
  // RFC 9051 6.3.9: an empty pattern asks for the delimiter and the root of the reference
  if (!command.extended && command.patterns.front().empty() && command.form != imap::List::Form::lsub) {
    out_.untagged(form + R"( (\Noselect) "/" "")");
    co_return Reply::ok("That is all");
  }
  std::vector<imap::ListPattern> patterns;
  for (const auto& each : command.patterns) {
    auto pattern = imap::ListPattern::create(command.reference, each);
    if (!pattern) co_return Reply::no(pattern.error().text, code::kCannot);
    patterns.push_back(*std::move(pattern));
  }
  const auto folders = co_await mailboxes().folders(account());
  if (!folders) co_return reply_to(folders.error());
  for (const auto& listed : list_names(*folders, command, patterns)) {
    std::string& out = out_.buffer();
    out += "* " + form + ' ' + list_attributes(listed, command, dialect_.rev2) + " \"/\" ";
    imap::append_mailbox(out, listed.name, dialect_);
    if (command.recursive_match && listed.child_subscribed) out += R"( ("CHILDINFO" ("SUBSCRIBED")))";
    out += "\r\n";
    if (!command.return_status.empty() && listed.mailbox != nullptr) {
      const auto recent = co_await recent_of(listed.mailbox->number, command.return_status);
      if (recent) append_status(out_.buffer(), *listed.mailbox, command.return_status, *recent);
    }
    co_await out_.flush_if_large();
  }
  co_return Reply::ok("That is all");
}

}  // namespace godwit::imapd
