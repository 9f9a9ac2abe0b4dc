// Append: messages that a client brings, all or none (RFC 9051 6.3.12, RFC 3502).

#include <algorithm>

#include "base/log.h"
#include "state/mailbox/account_writer.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

Error too_many() { return Error::permanent(Error::Cause::limit, "too many messages at once"); }

bool is_over(const AccountRow& account, std::uint64_t more_bytes, std::uint64_t more_emails, Quota quota) {
  return (quota.bytes != 0 && account.bytes + more_bytes > quota.bytes) ||
         (quota.emails != 0 && account.emails + more_emails > quota.emails);
}

bool is_over(const AccountRow& account, const std::vector<NewMessage>& messages, Quota quota) {
  std::uint64_t bytes = 0;
  for (const auto& each : messages) bytes += each.email.prefix.size() + each.email.blob_size;
  return is_over(account, bytes, messages.size(), quota);
}

// Rows of details go along as long as there is room: they are worth no refusal.
void put_details(AccountWriter& writer, const std::vector<NewMessage>& messages, const std::vector<EmailId>& emails) {
  constexpr std::size_t kMost = 500 * 1024;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string& details = messages[i].email.details;
    if (details.empty()) continue;
    if (!writer.has_room() || writer.batch().bytes() + details.size() > kMost) return;
    writer.batch().put(Keyspace::mailbox, details_key(emails[i]), details);
  }
}

Task<Result<Uid>> append_one(AccountWriter& writer, directory::AccountId account, MailboxNumber mailbox, const NewMessage& message) {
  GODWIT_CHECK(message.email.blob.partition == directory::partition_of(account));
  if (!writer.has_room()) co_return fail(too_many());
  const Modseq modseq = writer.next_modseq();
  GODWIT_CO_ASSIGN(auto member, co_await writer.add_email(message.email, MessageId{}, modseq));
  member.flags = message.flags & (kSeen | kAnswered | kFlagged | kDeleted | kDraft);
  GODWIT_CO_ASSIGN(member.keywords, co_await writer.keyword_numbers(message.keywords, true));
  writer.batch().put(Keyspace::blob_refs, blob_ref_key(message.email.blob, account, member.email), "");
  co_return co_await writer.add_message(mailbox, std::move(member));
}

}  // namespace

Task<Result<AppendedOnce>> Mailboxes::Impl::append_once(directory::AccountId account, MailboxNumber mailbox,
                                                        const std::vector<NewMessage>& messages, Quota quota, Kept kept) {
  AccountWriter writer(*this, account);
  GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::leave, kept));
  GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
  Appended done;
  done.uid_validity = row->uid_validity;
  done.over_quota = is_over(writer.account(), messages, quota);
  if (done.over_quota || messages.empty()) co_return AppendedOnce{std::move(done), {}, {}};
  AppendedOnce once;
  for (const auto& each : messages) {
    GODWIT_CO_ASSIGN(const Uid uid, co_await append_one(writer, account, mailbox, each));
    done.uids.push_back(uid);
    once.emails.push_back(writer.account().last_email);
  }
  put_details(writer, messages, once.emails);
  writer.batch().refuse_when_full = true;
  const bool on_their_way = std::ranges::any_of(messages, [](const NewMessage& each) { return each.bytes != nullptr; });
  if (on_their_way) once.hold = unproven.hold(account, once.emails.front());
  GODWIT_CO_ASSIGN(const bool written, co_await writer.write("appending"));
  if (written) once.appended = std::move(done);
  co_return std::move(once);
}

// The rows are durable, the bytes on their way: waiting for them first would cost a second sync's time. What cannot be kept must not stay:
// the client brings it again. Their writers hold on to the bytes until then, so that no sync mark vouches for them.
Task<Result<void>> Mailboxes::Impl::prove(Mailboxes& mailboxes, directory::AccountId account, const std::vector<NewMessage>& messages,
                                          AppendedOnce& once) {
  Result<void> synced;
  for (const NewMessage& each : messages) {
    if (each.bytes == nullptr) continue;
    const auto one = co_await each.bytes->synced();
    if (!one && synced) synced = one;
  }
  if (synced) co_return synced;
  Result<void> taken_out;
  {
    const AccountTurns::Turn turn = co_await turns.acquire(account);
    taken_out = co_await take_out(account, once.emails);
  }
  if (!taken_out) {
    once.hold.keep();
    log::error("a refused message could not be taken out and may stay without its bytes",
               {{"account", account}, {"email", once.emails.front()}, {"error", taken_out.error().text}});
    co_return synced;
  }
  const auto applied = co_await mailboxes.apply_outbox(account);
  if (!applied) log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
  co_return synced;
}

Task<Result<Appended>> Mailboxes::append(directory::AccountId account, MailboxNumber mailbox, std::vector<NewMessage> messages,
                                         Quota quota) {
  AppendedOnce once;
  {
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
    const bool may_trust =
        !messages.empty() && quota.bytes == 0 && quota.emails == 0;  // else an old state could refuse what there is room for
    for (int attempt = 0; attempt < kAttempts && !once.appended; ++attempt) {
      const Kept kept = may_trust && attempt == 0 ? Kept::trusted : Kept::checked;
      auto done = co_await impl_->append_once(account, mailbox, messages, quota, kept);
      if (!done && (kept == Kept::checked || done.error().kind == Error::Kind::temporary)) co_return fail(std::move(done).error());
      if (done) once = *std::move(done);
    }
  }
  if (!once.appended) co_return fail(overtaken());
  if (!once.emails.empty()) GODWIT_CO_TRY(co_await impl_->prove(*this, account, messages, once));
  co_return *std::move(once.appended);
}

Task<Result<bool>> Mailboxes::has_room(directory::AccountId account, std::uint64_t bytes, Quota quota) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
  AccountRow known;  // before its first message there is none
  if (row) {
    GODWIT_CO_ASSIGN(known, decode_account(row->value));
  }
  co_return !is_over(known, bytes, 1, quota);
}

}  // namespace godwit::mailbox
