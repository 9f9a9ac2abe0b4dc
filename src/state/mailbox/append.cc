// Append: messages that a client brings, all or none (RFC 9051 6.3.12, RFC 3502).

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

Task<Result<Uid>> append_one(AccountWriter& writer, directory::AccountId account, MailboxNumber mailbox, const NewMessage& message) {
  GODWIT_CHECK(message.email.blob.partition == directory::partition_of(account));
  if (!writer.has_room()) co_return fail(too_many());
  const Modseq modseq = writer.next_modseq();
  GODWIT_CO_ASSIGN(auto member, co_await writer.add_email(message.email, MessageId{}, modseq));
  member.flags = message.flags & (kSeen | kAnswered | kFlagged | kDeleted | kDraft);
  GODWIT_CO_ASSIGN(member.keywords, co_await writer.keyword_numbers(message.keywords, true));
  writer.batch().put(Keyspace::blob_refs, blob_ref_key(message.email.blob, account, member.email), "");
  co_return co_await writer.add_message(mailbox, std::move(member), modseq);
}

}  // namespace

Task<Result<Appended>> Mailboxes::append(directory::AccountId account, MailboxNumber mailbox, std::vector<NewMessage> messages,
                                         Quota quota) {
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*impl_, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
    Appended done;
    done.uid_validity = row->uid_validity;
    done.over_quota = is_over(writer.account(), messages, quota);
    if (done.over_quota || messages.empty()) co_return done;
    for (const auto& each : messages) {
      GODWIT_CO_ASSIGN(const Uid uid, co_await append_one(writer, account, mailbox, each));
      done.uids.push_back(uid);
    }
    writer.batch().refuse_when_full = true;
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("appending"));
    if (written) co_return done;
  }
  co_return fail(overtaken());
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
