// What has become of a mailbox since a modseq: RFC 7162 3.1.4, 3.2.5.

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

// What the log has of a mailbox.
struct Logged {
  std::vector<Uid> there;
  std::vector<Uid> expunged;
};

Task<Result<Logged>> read_log(store::View& view, MailboxNumber mailbox, Modseq since) {
  constexpr store::ScanLimit kManyRows{10'000, 1 << 20};
  Logged out;
  RangeScan scan(view, Keyspace::mailbox, change_key(since + 1), prefix_end(kAllChanges));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kManyRows));
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto change, decode_change(row.value));
      if (change.mailbox != mailbox) continue;
      (change.kind == Change::Kind::expunged ? out.expunged : out.there).push_back(change.uid);
    }
  }
  std::ranges::sort(out.there);
  std::ranges::sort(out.expunged);
  co_return out;
}

std::vector<UidRange> as_ranges(const std::vector<Uid>& uids) {
  std::vector<UidRange> out;
  for (const Uid uid : uids) out.push_back({uid, uid});
  return normalised(std::move(out));
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
  GODWIT_CO_ASSIGN(auto logged, co_await read_log(*view, mailbox, since));
  out.complete = since >= state.floor;
  out.expunged = std::move(logged.expunged);
  const bool most = logged.there.size() > row.total / 2;  // then one scan reads what would be many look-ups
  std::vector<UidRange> uids = most ? std::vector<UidRange>(1, UidRange{1, UINT32_MAX}) : as_ranges(logged.there);
  GODWIT_CO_ASSIGN(auto members, co_await read_members(*view, mailbox, std::move(uids), UINT32_MAX));
  for (Member& each : members) {
    if (each.row.modseq <= since) continue;
    GODWIT_CO_TRY(co_await read_dates(*view, each.row));
    out.messages.push_back(as_info(each));
  }
  co_return out;
}

}  // namespace godwit::mailbox
