#include "frontend/imapd/session.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imapd {

// RFC 9051 6.3.4, RFC 6154 3
Task<Reply> Session::cmd(imap::Create command) {
  auto name = imap::check_new_mailbox(command.mailbox);
  if (!name) co_return Reply::no(name.error().text, code::kCannot);
  auto use = mailbox::SpecialUse::none;
  if (command.special_uses.size() > 1) co_return Reply::no("A mailbox has one special use at most", code::kUseAttr);
  if (!command.special_uses.empty()) {
    const auto parsed = has("CREATE-SPECIAL-USE") ? mailbox::parse_special_use(command.special_uses.front()) : std::nullopt;
    if (!parsed) co_return Reply::no("This special use is not to be had", code::kUseAttr);
    use = *parsed;
  }
  std::string made = *std::move(name);
  const auto done = co_await mailboxes().create(account(), std::move(made), use);
  if (!done) co_return reply_to(done.error());
  co_return Reply::ok("Created", "[MAILBOXID (F" + std::to_string(done->number) + ")] ");  // RFC 8474 4.1
}

}  // namespace godwit::imapd
