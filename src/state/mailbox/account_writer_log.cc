// The log of changes, as an AccountWriter keeps it: what was changed, what was expunged, and what follows from that in the outbox.

#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {

using store::Keyspace;

namespace {

constexpr std::size_t kMostInRow = 2'000;  // messages; at most 25 bytes each of the 64 KiB that a row may have

std::uint64_t max_tombstones(const AccountRow& account) { return 10'000 + account.emails / 10; }

// All of them in some thousand ranges at most: those that are near each other become one.
std::vector<UidRange> coarse(std::vector<UidRange> uids) {
  constexpr std::size_t kMost = 1'000;
  for (Uid gap = 64; uids.size() > kMost; gap *= 2) {
    std::vector<UidRange> out;
    for (const UidRange& each : uids) {
      if (!out.empty() && each.first - out.back().last <= gap)
        out.back().last = each.last;
      else
        out.push_back(each);
    }
    uids = std::move(out);
  }
  return uids;
}

// As they are on disk: what the writer knows has this batch in it already, a mailbox that goes with it too.
Task<Result<std::set<MailboxNumber>>> read_mailbox_numbers(store::View& view) {
  std::set<MailboxNumber> out;
  PrefixScan scan(view, Keyspace::mailbox, std::string(kAllMailboxes));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const MailboxNumber number, parse_mailbox_key(row.key));
      out.insert(number);
    }
  }
}

template <class Entry>
std::span<const Entry> take_piece(std::span<const Entry>& left) {
  const std::span<const Entry> piece = left.first(std::min(left.size(), kMostInRow));
  left = left.subspan(piece.size());
  return piece;
}

// The modseq of the oldest entry of the outbox about what an expunge left.
Task<Result<Modseq>> first_untidy(store::View& view) {
  Modseq first = UINT64_MAX;
  for (const std::string_view kind : {kAllOrphans, kAllLeft}) {
    GODWIT_CO_ASSIGN(const auto page,
                     co_await view.scan(Keyspace::outbox, std::string(kind), prefix_end(kind), store::ScanLimit{1, 64 * 1024}));
    if (page.rows.empty()) continue;
    GODWIT_CO_ASSIGN(const Modseq modseq, parse_number_key(page.rows.front().key));
    first = std::min(first, modseq);
  }
  // an entry stands under one of the modseqs of its messages, and a row of the log under the highest of its own
  co_return first > kMostInRow ? first - kMostInRow : 0;
}

// By their emails: the places of an email stay in one row. A row's key is the modseq of one of the messages, so none is written over.
std::map<Modseq, GoneRow> gone_rows(MailboxNumber number, const std::vector<std::pair<Modseq, Tombstone>>& expunged,
                                    std::vector<Gone> gone) {
  std::map<Modseq, GoneRow> out;
  std::ranges::sort(gone, {}, [](const Gone& each) { return std::pair(each.email, each.uid); });
  auto key = expunged.begin();
  for (auto first = gone.begin(); first != gone.end();) {
    auto last = first + std::min<std::ptrdiff_t>(kMostInRow, gone.end() - first);
    while (last != gone.end() && last->email == std::prev(last)->email) ++last;
    out[(key++)->first] = GoneRow{number, {first, last}};
    first = last;
  }
  return out;
}

}  // namespace

// What cannot be read of it now, or never, must not keep a change from being written.
Task<> AccountWriter::keep_log_short() {
  const auto forgotten = co_await forget_tombstones();
  const auto merged = co_await merge_changes();
  const auto& failed = forgotten ? merged : forgotten;
  if (!failed) log::warning("log of changes not shortened", {{"account", id_}, {"error", failed.error().text}});
}

// Expunges of long ago are forgotten, a piece at a time, so that the log does not grow for ever. Those of which something is still to be
// cleared away stay: where the outbox's entry is lost they alone tell what has gone.
Task<Result<void>> AccountWriter::forget_tombstones() {
  constexpr store::ScanLimit kPiece{2'000, 256 * 1024};
  constexpr std::uint64_t kSlack = 1'000;
  AccountRow& account = state_.account;
  const std::uint64_t most = max_tombstones(account);
  if (account.tombstones <= most + kSlack) co_return Result<void>{};
  GODWIT_CO_ASSIGN(const Modseq untidy, co_await first_untidy(view()));
  PrefixScan scan(view(), Keyspace::mailbox, std::string(kAllExpunged));
  GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kPiece));
  for (const auto& row : rows) {
    if (account.tombstones <= most) break;
    GODWIT_CO_ASSIGN(const Modseq modseq, parse_number_key(row.key));
    if (modseq >= untidy) break;
    account.floor = modseq;
    const auto expunged = decode_expunged(row.value);
    account.tombstones -= std::min<std::uint64_t>(account.tombstones, expunged ? expunged->messages.size() : 0);
    batch_.erase(Keyspace::mailbox, row.key);
  }
  co_return Result<void>{};
}

// Of many changes in a row one entry a mailbox stays, in the place of the last of them: it may name more than changed since a modseq, never
// less. The newest are left alone, for that is what those who watch ask about. What it costs to look is spread over a thousand batches.
Task<Result<void>> AccountWriter::merge_changes() {
  constexpr std::uint64_t kEvery = 1'024;
  constexpr std::uint64_t kNewest = 128;
  constexpr std::size_t kMostBytes = 300 * 1024;  // of a batch that is to be merged in
  constexpr std::size_t kMostKeys = 10'000;
  AccountRow& account = state_.account;
  const bool is_small = batch_.bytes() + pending_bytes_ < kMostBytes;
  if (!is_small || account.changes <= kEvery || account.changes < state_.merge_changes_at) co_return Result<void>{};
  state_.merge_changes_at = account.changes + kEvery;
  GODWIT_CO_ASSIGN(const auto mailboxes, co_await read_mailbox_numbers(view()));
  std::map<MailboxNumber, Mergeable> found;
  std::uint64_t left = std::min<std::uint64_t>(account.changes - kNewest, kMostKeys);
  PrefixScan scan(view(), Keyspace::mailbox, std::string(kAllChanged));
  while (left > 0) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      if (left == 0) break;
      --left;
      GODWIT_CO_ASSIGN(auto changed, decode_changed(row.value));
      Mergeable& into = found[changed.mailbox];
      into.keys.push_back(row.key);
      into.uids.insert(into.uids.end(), changed.uids.begin(), changed.uids.end());
      if (into.uids.size() > kMostKeys) into.uids = coarse(normalised(std::move(into.uids)));
    }
  }
  for (auto& [number, each] : found) merge(number, std::move(each), mailboxes.contains(number) || state_.mailboxes.contains(number));
  co_return Result<void>{};
}

void AccountWriter::merge(MailboxNumber number, Mergeable what, bool exists) {
  constexpr std::size_t kMostBytes = 600 * 1024;
  if ((exists && what.keys.size() == 1) || batch_.bytes() + pending_bytes_ > kMostBytes) return;
  state_.account.changes -= std::min<std::uint64_t>(state_.account.changes, what.keys.size());
  for (const std::string& key : what.keys) batch_.erase(Keyspace::mailbox, key);
  if (!exists) return;
  batch_.put(Keyspace::mailbox, what.keys.back(), encode(ChangedRow{number, coarse(normalised(std::move(what.uids)))}));
  ++state_.account.changes;
}

// Each row stands under the modseq of its last message.
void AccountWriter::write_log() {
  AccountRow& account = state_.account;
  for (auto& [number, logged] : log_) {
    for (std::span<const std::pair<Modseq, Uid>> left(logged.changed); !left.empty();) {
      std::vector<UidRange> uids;
      const auto piece = take_piece(left);
      for (const auto& [modseq, uid] : piece) uids.push_back({uid, uid});
      batch_.put(Keyspace::mailbox, changed_key(piece.back().first), encode(ChangedRow{number, normalised(std::move(uids))}));
      ++account.changes;
    }
    for (std::span<const std::pair<Modseq, Tombstone>> left(logged.expunged); !left.empty();) {
      ExpungedRow row{number, {}};
      const auto piece = take_piece(left);
      for (const auto& [modseq, tombstone] : piece) row.messages.push_back(tombstone);
      batch_.put(Keyspace::mailbox, expunged_key(piece.back().first), encode(row));
      account.tombstones += piece.size();
    }
    write_gone(number, logged);
  }
}

// A few rows by email are erased at once: a client that moves one message has nothing to wait for.
void AccountWriter::write_gone(MailboxNumber number, Logged& logged) {
  constexpr std::size_t kFew = 4;
  const bool leaves_many = logged.left.size() > kFew;
  untidy_ = untidy_ || leaves_many || !logged.orphans.empty();
  for (const auto& [modseq, row] : gone_rows(number, logged.expunged, std::move(logged.orphans)))
    batch_.put(Keyspace::outbox, orphans_key(modseq), encode(row));
  if (!leaves_many) {
    for (const Gone& each : logged.left) batch_.erase(Keyspace::mailbox, by_email_key(each.email, number, each.uid));
    return;
  }
  for (const auto& [modseq, row] : gone_rows(number, logged.expunged, std::move(logged.left)))
    batch_.put(Keyspace::outbox, left_key(modseq), encode(row));
}

}  // namespace godwit::mailbox
