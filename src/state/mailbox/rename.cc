// Rename: a tree in one batch; INBOX by moving its messages (RFC 9051 6.3.6).

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/account_writer.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr std::size_t kMaxBatch = 900 * 1024;

Error exists() { return Error::permanent(Error::Cause::conflict, "there is a mailbox of that name already"); }
Error into_itself() { return Error::permanent(Error::Cause::denied, "a mailbox cannot go below itself"); }
Error too_large() { return Error::permanent(Error::Cause::limit, "too many mailboxes to rename at once"); }

// Whether `name` is `tree` or below it.
bool is_in_tree(std::string_view name, std::string_view tree) {
  return name.starts_with(tree) && (name.size() == tree.size() || name[tree.size()] == kDelimiter);
}

Result<std::string> renamed(std::string_view name, std::string_view from, std::string_view to) {
  std::string out(to);
  out += name.substr(from.size());
  GODWIT_TRY(check_name(out));
  return out;
}

constexpr std::size_t kRowBytes = 80;  // of a mailbox's row beside its name: counts and key

std::size_t bytes_of(const std::map<MailboxNumber, std::string>& names) {
  std::size_t bytes = 0;
  for (const auto& [number, name] : names) bytes += name.size() + kRowBytes;
  return bytes;
}

// Old and new name of everything that goes along.
Result<std::map<MailboxNumber, std::string>> plan(const std::map<MailboxNumber, MailboxRow>& mailboxes, std::string_view from,
                                                  std::string_view to) {
  std::map<MailboxNumber, std::string> out;
  std::set<std::string_view> staying;
  for (const auto& [number, row] : mailboxes) {
    if (!is_in_tree(row.name, from)) {
      staying.insert(row.name);
      continue;
    }
    GODWIT_ASSIGN(out[number], renamed(row.name, from, to));
  }
  for (const auto& [number, name] : out) {
    if (staying.contains(name)) return fail(exists());
  }
  if (bytes_of(out) > kMaxBatch) return fail(too_large());
  return out;
}

Task<Result<void>> move_subscriptions(AccountWriter& writer, std::string from, std::string to, std::size_t planned) {
  PrefixScan scan(writer.view(), Keyspace::mailbox, subscription_key(from));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      const std::string_view name = std::string_view(row.key).substr(kAllSubscriptions.size());
      if (!is_in_tree(name, from)) continue;
      if (planned + writer.batch().bytes() > kMaxBatch) co_return fail(too_large());
      GODWIT_CO_ASSIGN(const std::string moved, renamed(name, from, to));
      writer.batch().erase(Keyspace::mailbox, row.key);
      writer.batch().put(Keyspace::mailbox, subscription_key(moved), "");
    }
  }
}

}  // namespace

Task<Result<void>> Mailboxes::rename(directory::AccountId account, std::string from, std::string to) {
  GODWIT_CO_TRY(check_name(to));
  if (from == kInboxName) {
    GODWIT_CO_ASSIGN(const auto target, co_await create(account, std::move(to), SpecialUse::none));
    co_return co_await impl_->rename_inbox(account, target.number);
  }
  if (from != to && is_in_tree(to, from)) co_return fail(into_itself());
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*impl_, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const auto* mailboxes, co_await writer.mailboxes());
    if (find_number(*mailboxes, from) == 0) co_return fail(mailbox_gone());
    if (find_number(*mailboxes, to) != 0) co_return fail(exists());
    GODWIT_CO_ASSIGN(const auto names, plan(*mailboxes, from, to));
    const auto levels = static_cast<std::size_t>(std::ranges::count(to, kDelimiter));
    if (mailboxes->size() + levels > kMaxMailboxes) co_return fail(too_many_mailboxes());
    writer.make_parents(to);
    for (const auto& [number, name] : names) writer.rename_mailbox(number, name);
    GODWIT_CO_TRY(co_await move_subscriptions(writer, from, to, bytes_of(names) + (levels + 1) * (to.size() + kRowBytes)));
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("renaming a mailbox"));
    if (written) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

// What comes meanwhile stays in INBOX.
Task<Result<void>> Mailboxes::Impl::rename_inbox(directory::AccountId account, MailboxNumber target) {
  auto view = engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto inbox, co_await read_mailbox(account, kInbox, view));
  view.reset();
  if (inbox.total == 0) co_return Result<void>{};
  std::vector<UidRange> all(1, UidRange{1, inbox.uid_next - 1});
  Copied moved;
  GODWIT_CO_TRY(co_await copy_all(account, kInbox, std::move(all), target, true, moved));
  co_return Result<void>{};
}

}  // namespace godwit::mailbox
