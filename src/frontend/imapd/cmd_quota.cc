#include "frontend/imapd/session.h"
#include "grammar/imap/mailbox_name.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

// RFC 9208: one quota root, "", for all mailboxes of an account. STORAGE counts in units of 1,024 octets, rounded up.
Task<Result<void>> Session::tell_quota() {
  GODWIT_CO_ASSIGN(const auto usage, co_await mailboxes().usage(account()));
  std::string resources;
  if (settings_->quota.bytes != 0)
    resources = "STORAGE " + std::to_string((usage.bytes + 1023) / 1024) + ' ' + std::to_string(settings_->quota.bytes / 1024);
  if (settings_->quota.emails != 0)
    resources +=
        (resources.empty() ? "MESSAGE " : " MESSAGE ") + std::to_string(usage.emails) + ' ' + std::to_string(settings_->quota.emails);
  out_.untagged("QUOTA \"\" (" + resources + ")");
  co_return Result<void>{};
}

// RFC 9208 4.2. Without limits there is no quota root: a list of no resources is none that the grammar knows.
Task<Reply> Session::cmd(imap::GetQuota command) {
  if (!command.root.empty() || !has_quota()) co_return Reply::no("There is no quota root of that name", code::kNonExistent);
  const auto told = co_await tell_quota();
  if (!told) co_return reply_to(told.error());
  co_return Reply::ok("That is all");
}

// RFC 9208 4.3: the name need not be of a mailbox that exists.
Task<Reply> Session::cmd(imap::GetQuotaRoot command) {
  out_.buffer() += "* QUOTAROOT ";
  imap::append_mailbox(out_.buffer(), command.mailbox, dialect_);
  out_.buffer() += has_quota() ? " \"\"\r\n" : "\r\n";
  if (!has_quota()) co_return Reply::ok("That is all");
  const auto told = co_await tell_quota();
  if (!told) co_return reply_to(told.error());
  co_return Reply::ok("That is all");
}

// RFC 9208 4.4: QUOTASET is not announced; quotas are the administrator's.
Task<Reply> Session::cmd(imap::SetQuota /*command*/) { co_return Reply::no("Quotas are set by the administrator", code::kNoPerm); }

}  // namespace godwit::imapd
