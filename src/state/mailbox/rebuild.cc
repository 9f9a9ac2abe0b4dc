// The rows that only count (account, mailboxes, UID pages), made anew from the rows of the messages: `store repair` may have lost some.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

using store::Batch;
using store::Keyspace;

constexpr std::size_t kBatchBytes = 512 * 1024;  // of pages; a batch may have 1 MiB

struct Box {
  std::optional<MailboxRow> row;
  Uid highest_uid = 0;
  Modseq highest_modseq = 0;
  std::uint32_t total = 0;
  std::uint32_t unseen = 0;
  std::uint64_t bytes = 0;
  std::map<std::uint16_t, UidPage> pages;
};

// What the rows of an account add up to. A number counts as given when any row bears witness to it, so that it is not given again.
class Survey {
 public:
  Task<Result<void>> read(store::View& view);

  bool nothing() const { return rows_ == 0; }
  std::vector<Batch> batches(WallTime now);                             // none: the account is whole
  const std::vector<std::string>& changes() const { return changes_; }  // what the batches do

 private:
  using Rows = std::map<std::string, std::string>;

  Result<void> take(const store::Row& row);
  Result<void> take_email(const store::Row& row);
  Result<void> take_membership(const store::Row& row);
  Result<void> take_change(const store::Row& row);
  Result<void> take_mailbox(const store::Row& row);
  void saw(EmailId email) { highest_email_ = std::max(highest_email_, email); }
  void saw(MembershipKey key) { boxes_[key.mailbox].highest_uid = std::max(boxes_[key.mailbox].highest_uid, key.uid); }
  void saw(MailboxNumber mailbox, Modseq modseq) { boxes_[mailbox].highest_modseq = std::max(boxes_[mailbox].highest_modseq, modseq); }

  Rows wanted(WallTime now);
  MailboxRow mailbox_row(MailboxNumber number, const Box& box, WallTime now);
  void tell(const std::string& key);
  Batch new_batch() const;

  std::size_t rows_ = 0;
  std::optional<store::RowVersion> version_;  // of the account's row
  Rows stored_;                               // the rows that are made anew
  AccountRow account_;
  EmailId highest_email_ = 0;
  Modseq highest_modseq_ = 0;
  std::uint64_t emails_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<MailboxNumber, Box> boxes_;
  std::vector<std::string> changes_;
};

Task<Result<void>> Survey::read(store::View& view) {
  PrefixScan all(view, Keyspace::mailbox, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await all.next());
    if (rows.empty()) break;
    rows_ += rows.size();
    for (const auto& row : rows) GODWIT_CO_TRY(take(row));
  }
  if (nothing()) co_return Result<void>{};
  PrefixScan notes(view, Keyspace::delivered, "");
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await notes.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      const auto note = decode_delivered(row.value);
      if (!note) continue;
      saw(note->email);
      saw(MembershipKey{kInbox, note->uid});
    }
  }
  PrefixScan releases(view, Keyspace::outbox, std::string(kAllReleases));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await releases.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const EmailId email, parse_number_key(row.key));
      saw(email);
    }
  }
}

// A value that cannot be read leaves what its key says.
Result<void> Survey::take(const store::Row& row) {
  if (row.key == kAccountKey) {
    stored_[row.key] = row.value;
    version_ = row.version;
    account_ = decode_account(row.value).value_or(AccountRow());
  } else if (row.key.starts_with(kAllMailboxes)) {
    return take_mailbox(row);
  } else if (row.key.starts_with(kAllEmails)) {
    return take_email(row);
  } else if (row.key.starts_with(kAllMemberships)) {
    return take_membership(row);
  } else if (row.key.starts_with(kAllChanges)) {
    return take_change(row);
  } else if (row.key.starts_with(kAllPages)) {
    stored_[row.key] = row.value;
  } else if (row.key.starts_with(kAllByEmail)) {
    GODWIT_ASSIGN(const auto key, parse_by_email_key(row.key));
    saw(key.email);
    saw(key.membership);
  }
  return {};
}

Result<void> Survey::take_mailbox(const store::Row& row) {
  GODWIT_ASSIGN(const auto number, parse_mailbox_key(row.key));
  stored_[row.key] = row.value;
  auto decoded = decode_mailbox(row.value);
  if (!decoded) return {};
  saw(number, decoded->highest_modseq);
  boxes_[number].row = *std::move(decoded);
  return {};
}

Result<void> Survey::take_email(const store::Row& row) {
  GODWIT_ASSIGN(const EmailId id, parse_number_key(row.key));
  saw(id);
  const auto decoded = decode_email(row.value);
  if (!decoded) return {};
  highest_modseq_ = std::max(highest_modseq_, decoded->created);
  emails_ += 1;
  bytes_ += decoded->email.prefix.size() + decoded->email.blob_size;
  return {};
}

Result<void> Survey::take_membership(const store::Row& row) {
  GODWIT_ASSIGN(const auto key, parse_membership_key(row.key));
  saw(key);
  const auto member = decode_membership(row.value);
  if (!member) return {};
  saw(member->email);
  saw(key.mailbox, member->modseq);
  Box& box = boxes_[key.mailbox];
  box.total += 1;
  box.unseen += (member->flags & kSeen) == 0 ? 1 : 0;
  box.bytes += member->size;
  box.pages[UidPage::page_of(key.uid)].insert(static_cast<std::uint16_t>(key.uid));
  return {};
}

Result<void> Survey::take_change(const store::Row& row) {
  GODWIT_ASSIGN(const Modseq modseq, parse_number_key(row.key));
  highest_modseq_ = std::max(highest_modseq_, modseq);
  const auto change = decode_change(row.value);
  if (!change) return {};
  saw(change->email);
  saw(MembershipKey{change->mailbox, change->uid});
  saw(change->mailbox, modseq);
  return {};
}

// RFC 3501 2.3.1.1: without its row nobody knows which UIDs a mailbox has given, so readers must forget what they remember of it.
MailboxRow Survey::mailbox_row(MailboxNumber number, const Box& box, WallTime now) {
  MailboxRow row;
  if (box.row) {
    row = *box.row;
  } else {
    row.name = number == kInbox ? "INBOX" : fmt::format("Recovered {}", number);
    row.uid_validity = new_uid_validity(now);
  }
  row.uid_next = std::max(row.uid_next, box.highest_uid + 1);
  row.highest_modseq = box.highest_modseq;
  row.total = box.total;
  row.unseen = box.unseen;
  row.bytes = box.bytes;
  return row;
}

Survey::Rows Survey::wanted(WallTime now) {
  Rows rows;
  AccountRow account = account_;
  boxes_.try_emplace(kInbox);
  account.modseq = std::max(account.modseq, highest_modseq_);
  for (const auto& [number, box] : boxes_) {
    account.modseq = std::max(account.modseq, box.highest_modseq);
    account.last_mailbox = std::max(account.last_mailbox, number);
    if (!box.row && box.total == 0 && number != kInbox) continue;  // tombstones of a mailbox that is gone
    rows[mailbox_key(number)] = encode(mailbox_row(number, box, now));
    for (const auto& [page, uids] : box.pages) rows[page_key(number, page)] = uids.encode();
  }
  account.last_email = std::max(account.last_email, highest_email_);
  account.emails = emails_;
  account.bytes = bytes_;
  rows[std::string(kAccountKey)] = encode(account);
  return rows;
}

void Survey::tell(const std::string& key) {
  const std::string_view was = stored_.contains(key) ? "wrong" : "missing";
  if (key == kAccountKey) {
    changes_.push_back(fmt::format("the row of the account was {}", was));
  } else if (const auto number = parse_mailbox_key(key); key.starts_with(kAllMailboxes) && number) {
    const std::string_view validity = boxes_[*number].row ? "" : ", its UIDVALIDITY is new";
    changes_.push_back(fmt::format("the row of mailbox {} was {}{}", *number, was, validity));
  } else if (const auto page = parse_page_key(key)) {
    changes_.push_back(fmt::format("page {} of the UIDs of mailbox {} was {}", page->page, page->mailbox, was));
  }
}

Batch Survey::new_batch() const {
  Batch batch;
  batch.require(Keyspace::mailbox, std::string(kAccountKey), version_);
  batch.require_absent(Keyspace::directory, std::string(directory::kRemovedKey));
  return batch;
}

// The account's row comes last: cut off before it, the next rebuild finds the same again.
std::vector<Batch> Survey::batches(WallTime now) {
  Rows rows = wanted(now);
  auto account = rows.extract(std::string(kAccountKey));
  std::vector<Batch> out;
  Batch batch = new_batch();
  auto cut = [&] {
    if (batch.bytes() < kBatchBytes) return;
    out.push_back(std::exchange(batch, new_batch()));
  };
  for (const auto& [key, value] : rows) {
    const auto old = stored_.find(key);
    if (old != stored_.end() && old->second == value) continue;
    tell(key);
    batch.put(Keyspace::mailbox, key, value);
    cut();
  }
  for (const auto& [key, value] : stored_) {
    if (!key.starts_with(kAllPages) || rows.contains(key)) continue;
    tell(key);
    batch.erase(Keyspace::mailbox, key);
    cut();
  }
  if (const auto old = stored_.find(account.key()); old == stored_.end() || old->second != account.mapped()) tell(account.key());
  if (changes_.empty()) return {};
  batch.put(Keyspace::mailbox, account.key(), account.mapped());
  out.push_back(std::move(batch));
  return out;
}

Task<Result<bool>> has_row(store::View& view, std::string from, std::string_view prefix) {
  const std::string end = prefix_end(prefix);
  GODWIT_CO_ASSIGN(const auto page, co_await view.scan(Keyspace::mailbox, std::move(from), end, store::ScanLimit{1, 64 * 1024}));
  co_return !page.rows.empty();
}

// Whether a row has a number that is still to be given.
Task<Result<bool>> is_overtaken(store::View& view) {
  GODWIT_CO_ASSIGN(const auto account_row, co_await view.get(Keyspace::mailbox, std::string(kAccountKey)));
  GODWIT_CO_ASSIGN(const auto inbox_row, co_await view.get(Keyspace::mailbox, mailbox_key(kInbox)));
  if (!account_row || !inbox_row) co_return false;
  GODWIT_CO_ASSIGN(const auto account, decode_account(account_row->value));
  GODWIT_CO_ASSIGN(const auto inbox, decode_mailbox(inbox_row->value));
  GODWIT_CO_ASSIGN(const bool email, co_await has_row(view, email_key(account.last_email + 1), kAllEmails));
  if (email) co_return true;
  const std::string inbox_prefix = memberships_prefix(kInbox);
  co_return co_await has_row(view, membership_key(kInbox, inbox.uid_next), inbox_prefix);
}

}  // namespace

Task<Result<bool>> has_rows(store::View& view) { co_return co_await has_row(view, "", ""); }

Task<Result<std::vector<std::string>>> Mailboxes::Impl::rebuild_in_turn(directory::AccountId account) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto view = engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
    if (removed) co_return std::vector<std::string>();
    Survey survey;
    GODWIT_CO_TRY(co_await survey.read(*view));
    if (survey.nothing()) co_return std::vector<std::string>();
    store::WriteDone done{store::WriteOutcome::ok, {}, 0};
    for (Batch& batch : survey.batches(clock.now())) {
      done = co_await engine.write(directory::partition_of(account), std::move(batch));
      if (!done.ok()) break;
    }
    if (done.outcome == store::WriteOutcome::conflict) continue;
    GODWIT_CO_TRY(store::as_result(done, "rebuilding the rows of an account"));
    for (const auto& change : survey.changes()) log::warning("mailbox rows rebuilt", {{"account", account}, {"what", change}});
    co_return survey.changes();
  }
  co_return fail(Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
}

Task<Result<void>> Mailboxes::Impl::mend_counters(directory::AccountId account) {
  const auto view = engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool overtaken, co_await is_overtaken(*view));
  if (overtaken) GODWIT_CO_TRY(co_await rebuild_in_turn(account));
  co_return Result<void>{};
}

Task<Result<std::vector<std::string>>> Mailboxes::rebuild(directory::AccountId account) {
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  co_return co_await impl_->rebuild_in_turn(account);
}

}  // namespace godwit::mailbox
