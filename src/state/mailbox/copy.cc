// Copy and move within an account: memberships come and go, the emails and their bytes stay (RFC 9051 6.4.7, RFC 6851).

#include <algorithm>

#include "base/log.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

constexpr std::size_t kPiece = 4'000;

// RFC 9051 6.4.7: flags and internal date are kept. RFC 8514 2: the copy's save date is now.
Task<Result<Uid>> copy_one(AccountWriter& writer, const Member& from, MailboxNumber to, WallTime now) {
  Membership member = from.row;
  member.saved = now;
  member.modseq = writer.next_modseq();
  co_return co_await writer.add_message(to, std::move(member));
}

}  // namespace

Task<Result<CopiedPiece>> Mailboxes::Impl::copy_piece(directory::AccountId account, MailboxNumber from, const std::vector<UidRange>& uids,
                                                      MailboxNumber to, bool move) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_TRY(co_await writer.mailbox(from));
    GODWIT_CO_ASSIGN(const MailboxRow* target, co_await writer.mailbox(to));
    GODWIT_CO_TRY(co_await writer.mailbox(from));  // again: finding the other may have rebuilt the account
    CopiedPiece piece;
    piece.copied.uid_validity = target->uid_validity;
    GODWIT_CO_ASSIGN(const auto members, co_await writer.members(from, uids, kPiece));
    if (members.empty()) co_return piece;
    if (members.size() == kPiece) piece.next = members.back().uid + 1;
    for (const Member& each : members) {
      if (!writer.has_room()) {
        piece.next = each.uid;
        break;
      }
      GODWIT_CO_ASSIGN(const Uid uid, co_await copy_one(writer, each, to, clock.now()));
      if (move) {
        if (!writer.is_at_hand(from, each.uid)) GODWIT_CO_TRY(co_await writer.load(from, each.uid));
        writer.take_room();
        writer.remove_message(from, each, AccountWriter::RemovedFrom::one_place);
      }
      piece.copied.from.push_back(each.uid);
      piece.copied.to.push_back(uid);
    }
    writer.batch().refuse_when_full = !move;
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write(move ? "moving" : "copying"));
    if (written) co_return piece;
  }
  co_return fail(overtaken());
}

// What a copy to the same mailbox adds is behind the last UID that was there before, and is not copied again. `out`: what was done, also
// before an error.
Task<Result<void>> Mailboxes::Impl::copy_all(directory::AccountId account, MailboxNumber from, std::vector<UidRange> uids, MailboxNumber to,
                                             bool move, Copied& out) {
  uids = normalised(std::move(uids));
  for (bool first = true;; first = false) {
    const AccountTurns::Turn turn = co_await turns.acquire(account);  // a turn a piece: deliveries get in between
    if (first && from == to) {
      auto view = engine.read(directory::partition_of(account));
      GODWIT_CO_ASSIGN(const auto row, co_await view->get(store::Keyspace::mailbox, mailbox_key(from)));
      if (row) {
        GODWIT_CO_ASSIGN(const auto mailbox, decode_mailbox(row->value));
        std::erase_if(uids, [&mailbox](const UidRange& each) { return each.first >= mailbox.uid_next; });
        if (!uids.empty()) uids.back().last = std::min(uids.back().last, mailbox.uid_next - 1);
      }
    }
    GODWIT_CO_ASSIGN(auto piece, co_await copy_piece(account, from, uids, to, move));
    out.uid_validity = piece.copied.uid_validity;
    std::ranges::move(piece.copied.from, std::back_inserter(out.from));
    std::ranges::move(piece.copied.to, std::back_inserter(out.to));
    if (piece.next == 0) co_return Result<void>{};
    skip_to(uids, piece.next);
    if (uids.empty()) co_return Result<void>{};
  }
}

Task<Result<Copied>> Mailboxes::copy(directory::AccountId account, MailboxNumber from, std::vector<UidRange> uids, MailboxNumber to,
                                     bool move) {
  Copied out;
  const auto done = co_await impl_->copy_all(account, from, std::move(uids), to, move, out);
  if (done) co_return out;
  if (!move && !out.to.empty()) {
    // RFC 9051 6.4.7: after a COPY that fails the target is as it was before
    UidSet copies;
    for (const Uid uid : out.to) copies.add(uid);
    Expunged taken_back;  // not what somebody has expunged elsewhere meanwhile: that would be the last of it
    const auto undone = co_await impl_->expunge_all(account, to, copies.ranges(), Doomed::copies, taken_back);
    if (!undone) log::warning("copy not taken back", {{"account", account}, {"mailbox", to}, {"error", undone.error().text}});
  }
  co_return fail(done.error());
}

}  // namespace godwit::mailbox
