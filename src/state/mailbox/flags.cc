// Flags and keywords: RFC 9051 6.4.6, RFC 7162 3.1.3.

#include "state/mailbox/flags.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

constexpr std::uint8_t kSystemFlags = kSeen | kAnswered | kFlagged | kDeleted | kDraft;
constexpr std::size_t kPiece = 16'000;

// The flags of a message after the change.
void apply(const FlagChange& change, const std::vector<KeywordNumber>& keywords, Membership& member) {
  const std::uint8_t flags = change.flags & kSystemFlags;
  std::vector<KeywordNumber> out;
  switch (change.how) {
    case FlagChange::How::replace:
      member.flags = flags;
      member.keywords = keywords;
      return;
    case FlagChange::How::add:
      member.flags |= flags;
      std::ranges::set_union(member.keywords, keywords, std::back_inserter(out));
      break;
    case FlagChange::How::remove:
      member.flags = static_cast<std::uint8_t>(member.flags & ~flags);
      std::ranges::set_difference(member.keywords, keywords, std::back_inserter(out));
      break;
  }
  member.keywords = std::move(out);
}

}  // namespace

std::optional<KeywordNumber> Keywords::find(std::string_view keyword) const {
  const auto at = std::ranges::find_if(names_, [keyword](const std::string& name) { return ascii_iequals(name, keyword); });
  if (at == names_.end() || keyword.empty()) return std::nullopt;
  return static_cast<KeywordNumber>(at - names_.begin());
}

const std::string& Keywords::name(KeywordNumber number) const {
  static const std::string none;
  return number < names_.size() ? names_[number] : none;
}

std::optional<KeywordNumber> Keywords::add(std::string_view keyword) {
  if (const auto known = find(keyword)) return known;
  if (names_.size() >= kMax) return std::nullopt;
  names_.emplace_back(keyword);
  return static_cast<KeywordNumber>(names_.size() - 1);
}

Task<Result<FlagsPiece>> Mailboxes::Impl::change_flags_piece(directory::AccountId account, MailboxNumber mailbox,
                                                             const std::vector<UidRange>& uids, const FlagChange& change,
                                                             std::optional<Modseq> unchanged_since) {
  const bool adds = change.how != FlagChange::How::remove;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
    GODWIT_CO_ASSIGN(auto members, co_await writer.members(mailbox, uids, kPiece));
    FlagsPiece piece;
    piece.changed.highest_before = piece.changed.highest_after = row->highest_modseq;
    if (members.empty()) co_return piece;
    if (members.size() == kPiece) piece.next = members.back().uid + 1;
    GODWIT_CO_ASSIGN(const auto keywords, co_await writer.keyword_numbers(change.keywords, adds));
    bool changed = false;
    for (Member& each : members) {
      if (!writer.has_room()) {
        piece.next = each.uid;
        break;
      }
      if (unchanged_since && each.row.modseq > *unchanged_since) {
        piece.changed.refused.push_back(each.uid);
        continue;
      }
      const Membership before = each.row;
      apply(change, keywords, each.row);
      if (each.row.flags != before.flags || each.row.keywords != before.keywords) {
        if (!writer.is_at_hand(mailbox, each.uid)) GODWIT_CO_TRY(co_await writer.load_messages(mailbox, each.uid));
        writer.update_message(mailbox, before, each);
        changed = true;
      }
      piece.changed.messages.push_back(as_info(each));
      piece.changed.before.push_back(before.modseq);
    }
    piece.changed.highest_after = row->highest_modseq;
    if (!changed) co_return piece;  // a new keyword that nothing got is forgotten
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("changing flags", AccountWriter::Durability::lazy));
    if (written) co_return piece;
  }
  co_return fail(overtaken());
}

Task<Result<FlagsChanged>> Mailboxes::change_flags(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                   FlagChange change, std::optional<Modseq> unchanged_since) {
  uids = normalised(std::move(uids));
  FlagsChanged out;
  for (bool first = true;; first = false) {
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);  // a turn a piece: deliveries get in between
    GODWIT_CO_ASSIGN(auto piece, co_await impl_->change_flags_piece(account, mailbox, uids, change, unchanged_since));
    std::ranges::move(piece.changed.messages, std::back_inserter(out.messages));
    std::ranges::move(piece.changed.before, std::back_inserter(out.before));
    std::ranges::move(piece.changed.refused, std::back_inserter(out.refused));
    if (first)
      out.highest_before = piece.changed.highest_before;
    else if (piece.changed.highest_before != out.highest_after)
      out.highest_before = 0;
    out.highest_after = piece.changed.highest_after;
    if (piece.next == 0) co_return out;
    skip_to(uids, piece.next);
    if (uids.empty()) co_return out;
  }
}

}  // namespace godwit::mailbox
