#include "state/mailbox/mailbox.h"

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {

using store::Keyspace;

Mailboxes::Mailboxes(store::Engine& engine, store::Blobs& blobs, Clock& clock, Random& /*random*/)
    : impl_(std::make_unique<Impl>(engine, blobs, clock)) {}

Mailboxes::~Mailboxes() = default;

Task<Result<bool>> is_removed(store::View& view) {
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::directory, std::string(directory::kRemovedKey)));
  co_return row.has_value();
}

Error account_gone() { return Error::permanent(Error::Cause::not_found, "the account has been removed"); }

PrefixScan::PrefixScan(store::View& view, Keyspace keyspace, std::string prefix)
    : view_(view), keyspace_(keyspace), from_(std::move(prefix)), end_(prefix_end(*from_)) {}

Task<Result<std::vector<store::Row>>> PrefixScan::next(store::ScanLimit limit) {
  while (from_) {
    GODWIT_CO_ASSIGN(auto page, co_await view_.scan(keyspace_, *from_, end_, limit));
    from_ = std::move(page.next);
    if (!page.rows.empty()) co_return std::move(page.rows);
  }
  co_return std::vector<store::Row>();
}

Task<Result<Snapshot>> Mailboxes::snapshot(directory::AccountId account, MailboxNumber mailbox) {
  constexpr store::ScanLimit kManyRows{10'000, 1 << 20};
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(auto row, co_await view->get(Keyspace::mailbox, mailbox_key(mailbox)));
  if (!row && mailbox == kInbox) {
    GODWIT_CO_ASSIGN(const bool lost, co_await has_rows(*view));
    if (!lost) co_return Snapshot{};
    GODWIT_CO_TRY(co_await rebuild(account));
    view = impl_->engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(row, co_await view->get(Keyspace::mailbox, mailbox_key(mailbox)));
  }
  if (!row) co_return fail(Error::permanent(Error::Cause::not_found, "there is no such mailbox"));
  GODWIT_CO_ASSIGN(const auto state, decode_mailbox(row->value));

  Snapshot snapshot{state.uid_validity, state.uid_next, state.highest_modseq, {}};
  snapshot.messages.reserve(state.total);
  PrefixScan scan(*view, Keyspace::mailbox, memberships_prefix(mailbox));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kManyRows));
    if (rows.empty()) co_return snapshot;
    for (const auto& each : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_membership_key(each.key));
      GODWIT_CO_ASSIGN(const auto member, decode_membership(each.value));
      snapshot.messages.push_back({key.uid, member.email, member.size, member.flags, member.modseq});
    }
  }
}

Task<Result<Email>> Mailboxes::email(directory::AccountId account, EmailId id) {
  GODWIT_CO_ASSIGN(const auto row, co_await impl_->engine.get(directory::partition_of(account), Keyspace::mailbox, email_key(id)));
  if (!row) co_return fail(Error::permanent(Error::Cause::not_found, "there is no such message any more"));
  GODWIT_CO_ASSIGN(auto found, decode_email(row->value));
  co_return std::move(found.email);
}

}  // namespace godwit::mailbox
