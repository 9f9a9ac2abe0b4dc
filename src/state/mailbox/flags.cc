// Flags and keywords: RFC 9051 6.4.6, RFC 7162 3.1.3.

#include "state/mailbox/flags.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

constexpr std::uint8_t kSystemFlags = kSeen | kAnswered | kFlagged | kDeleted | kDraft;
constexpr std::size_t kPages = 250;  // of one batch, at most

// What a STORE does to each message.
struct Work {
  const FlagChange& change;
  std::vector<KeywordNumber> keywords;
  std::optional<Modseq> unchanged_since;

  std::uint8_t flags_of(const Membership& member) const {
    const std::uint8_t flags = change.flags & kSystemFlags;
    switch (change.how) {
      case FlagChange::How::replace: return flags;
      case FlagChange::How::add: return member.flags | flags;
      case FlagChange::How::remove: return static_cast<std::uint8_t>(member.flags & ~flags);
    }
    return flags;
  }

  bool changes_keywords(const Membership& member) const {
    switch (change.how) {
      case FlagChange::How::replace: return member.keywords != keywords;
      case FlagChange::How::add: return !std::ranges::includes(member.keywords, keywords);
      case FlagChange::How::remove:
        return std::ranges::any_of(keywords, [&](KeywordNumber each) { return std::ranges::binary_search(member.keywords, each); });
    }
    return false;
  }

  bool refuses(const Membership& member) const { return unchanged_since && member.modseq > *unchanged_since; }
  bool changes(const Membership& member) const {
    return !refuses(member) && (flags_of(member) != member.flags || changes_keywords(member));
  }

  void apply(Membership& member) const {
    member.flags = flags_of(member);
    std::vector<KeywordNumber> out;
    if (change.how == FlagChange::How::replace) out = keywords;
    if (change.how == FlagChange::How::add) std::ranges::set_union(member.keywords, keywords, std::back_inserter(out));
    if (change.how == FlagChange::How::remove) std::ranges::set_difference(member.keywords, keywords, std::back_inserter(out));
    member.keywords = std::move(out);
  }
};

bool is_in(const std::vector<UidRange>& uids, std::size_t& at, Uid uid) {
  while (at < uids.size() && uids[at].last < uid) ++at;
  return at < uids.size() && uids[at].first <= uid;
}

// Returns whether anything is different now. `at`: where in `uids` the page begins.
bool change_page(AccountWriter& writer, MessagesKey key, const std::vector<UidRange>& uids, std::size_t& at, const Work& work,
                 Mailboxes::Wanted wanted, FlagsChanged& out) {
  std::size_t look = at;
  const auto is_to_change = [&](const Member& each) { return is_in(uids, look, each.uid) && work.changes(each.row); };
  const bool changes = std::ranges::any_of(writer.page_at_hand(key).members(), is_to_change);
  MessagePage& page = changes ? writer.change_at_hand(key) : writer.page_at_hand(key);
  std::vector<AccountWriter::Update> updates;
  std::vector<const Member*> stored;
  const std::size_t first = out.stored.size();
  for (Member& each : page.to_change()) {
    if (!is_in(uids, at, each.uid)) continue;
    if (work.refuses(each.row)) {
      out.refused.push_back(each.uid);
      continue;
    }
    out.stored.push_back({each.uid, 0, each.row.modseq});
    stored.push_back(&each);
    if (!changes || !work.changes(each.row)) continue;
    updates.push_back({&each, each.row.flags});
    work.apply(each.row);
  }
  if (changes) writer.note_updates(key.mailbox, updates);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    out.stored[first + i].modseq = stored[i]->row.modseq;
    if (wanted == Mailboxes::Wanted::messages) out.messages.push_back(as_info(*stored[i]));
  }
  return changes;
}

void add_piece(FlagsChanged& all, FlagsChanged piece) {
  std::ranges::move(piece.stored, std::back_inserter(all.stored));
  std::ranges::move(piece.messages, std::back_inserter(all.messages));
  std::ranges::move(piece.refused, std::back_inserter(all.refused));
  if (piece.highest_before != all.highest_after) all.highest_before = 0;
  all.highest_after = piece.highest_after;
}

// Nothing: to be tried again, because somebody else was faster, or because nothing would change by a state that may be an old one.
Task<Result<std::optional<FlagsPiece>>> change_flags_once(AccountWriter& writer, MailboxNumber mailbox, const std::vector<UidRange>& uids,
                                                          Work work, Mailboxes::Wanted wanted, bool is_checked) {
  const FlagChange& change = work.change;
  GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
  GODWIT_CO_ASSIGN(const auto pages, co_await writer.load_pages(mailbox, uids, kPages));
  FlagsPiece piece;
  piece.changed.highest_before = piece.changed.highest_after = row->highest_modseq;
  if (pages.size() == kPages && pages.back() != MessagePage::page_of(UINT32_MAX)) piece.next = MessagePage::last_uid(pages.back()) + 1;
  if (!pages.empty()) {
    GODWIT_CO_ASSIGN(work.keywords, co_await writer.keyword_numbers(change.keywords, change.how != FlagChange::How::remove));
  }
  bool changed = false;
  std::size_t at = 0;
  for (const std::uint32_t page : pages) {
    if (!writer.has_room()) {
      piece.next = MessagePage::first_uid(page);
      break;
    }
    if (change_page(writer, {mailbox, page}, uids, at, work, wanted, piece.changed)) changed = true;
  }
  piece.changed.highest_after = row->highest_modseq;
  if (!changed && is_checked) co_return piece;  // a new keyword that nothing got is forgotten
  if (!changed) co_return std::nullopt;
  GODWIT_CO_ASSIGN(const bool written, co_await writer.write("changing flags", AccountWriter::Durability::lazy));
  if (!written) co_return std::nullopt;
  co_return piece;
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

// At first by what is known of the account, without a look at its row: the write asks for that in any case.
Task<Result<FlagsPiece>> Mailboxes::Impl::change_flags_piece(directory::AccountId account, MailboxNumber mailbox,
                                                             const std::vector<UidRange>& uids, const FlagChange& change,
                                                             std::optional<Modseq> unchanged_since, Wanted wanted) {
  for (int attempt = 0; attempt <= kAttempts; ++attempt) {
    const bool is_checked = attempt > 0;
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::leave, is_checked ? Kept::checked : Kept::trusted));
    auto once = co_await change_flags_once(writer, mailbox, uids, Work{change, {}, unchanged_since}, wanted, is_checked);
    if (!once && (is_checked || once.error().kind == Error::Kind::temporary)) co_return fail(std::move(once).error());
    if (once && *once) co_return **std::move(once);
  }
  co_return fail(overtaken());
}

Task<Result<FlagsChanged>> Mailboxes::change_flags(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                   FlagChange change, std::optional<Modseq> unchanged_since, Wanted wanted) {
  uids = normalised(std::move(uids));
  FlagsChanged out;
  for (bool first = true;; first = false) {
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);  // a turn a piece: deliveries get in between
    GODWIT_CO_ASSIGN(auto piece, co_await impl_->change_flags_piece(account, mailbox, uids, change, unchanged_since, wanted));
    if (first)
      out = std::move(piece.changed);
    else
      add_piece(out, std::move(piece.changed));
    if (piece.next == 0) co_return out;
    skip_to(uids, piece.next);
    if (uids.empty()) co_return out;
  }
}

}  // namespace godwit::mailbox
