// What has become of a mailbox since a modseq: RFC 7162 3.1.4, 3.2.5.

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr store::ScanLimit kManyRows{10'000, 1 << 20};

// Those that may have changed; disjoint.
Task<Result<std::vector<UidRange>>> read_changed(store::View& view, MailboxNumber mailbox, Modseq since) {
  std::vector<UidRange> out;
  RangeScan scan(view, Keyspace::mailbox, changed_key(since + 1), prefix_end(kAllChanged));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kManyRows));
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto changed, decode_changed(row.value));
      if (changed.mailbox == mailbox) out.insert(out.end(), changed.uids.begin(), changed.uids.end());
    }
  }
  co_return normalised(std::move(out));
}

Task<Result<std::vector<Uid>>> read_expunged(store::View& view, MailboxNumber mailbox, Modseq since) {
  std::vector<Uid> out;
  RangeScan scan(view, Keyspace::mailbox, expunged_key(since + 1), prefix_end(kAllExpunged));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kManyRows));
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto expunged, decode_expunged(row.value));
      if (expunged.mailbox != mailbox) continue;
      for (const Tombstone& each : expunged.messages) out.push_back(each.uid);
    }
  }
  std::ranges::sort(out);
  co_return out;
}

}  // namespace

Task<Result<Changes>> Mailboxes::changes(directory::AccountId account, MailboxNumber mailbox, Modseq since) {
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto row, co_await impl_->read_mailbox(account, mailbox, view));
  Changes out;
  out.modseq = std::max<Modseq>(row.highest_modseq, 1);
  if (since >= out.modseq) co_return out;
  GODWIT_CO_ASSIGN(const auto stored, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
  if (!stored) co_return fail(Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
  GODWIT_CO_ASSIGN(const auto state, decode_account(stored->value));
  out.complete = since >= state.floor;
  GODWIT_CO_ASSIGN(out.expunged, co_await read_expunged(*view, mailbox, since));
  GODWIT_CO_ASSIGN(auto changed, co_await read_changed(*view, mailbox, since));
  while (!changed.empty()) {  // it may name many more than have changed
    constexpr std::size_t kPiece = 4'000;
    GODWIT_CO_ASSIGN(const auto members, co_await read_members(*view, mailbox, changed, kPiece));
    for (const Member& each : members) {
      if (each.row.modseq > since) out.messages.push_back(as_info(each));
    }
    if (members.size() < kPiece || members.back().uid == UINT32_MAX) break;
    skip_to(changed, members.back().uid + 1);
  }
  co_return out;
}

}  // namespace godwit::mailbox
