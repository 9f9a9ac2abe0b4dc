// The rows that only count (account, mailboxes, UID pages, threads), made anew from the rows of the messages: `store repair` may have
// lost some.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "state/mailbox/earlier_rows.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/members.h"
#include "state/mailbox/survey.h"

namespace godwit::mailbox {

using store::Batch;
using store::Keyspace;

namespace {

constexpr std::size_t kBatchBytes = 512 * 1024;  // of pages; a batch may have 1 MiB

}  // namespace

// RFC 3501 2.3.1.1: a value that grows when a mailbox is made anew; the date and time in seconds is what it recommends.
std::uint32_t new_uid_validity(WallTime now, std::uint32_t last) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return std::max(static_cast<std::uint32_t>(seconds), last + 1);
}

// Without its row nobody knows which modseqs were given and lost, nor which expunges the log has forgotten.
AccountRow Survey::wanted_account() const {
  AccountRow account = account_.value_or(AccountRow());
  Modseq highest = std::max<Modseq>(highest_modseq_, 1);
  for (const auto& [number, box] : boxes_) {
    highest = std::max(highest, box.highest_modseq);
    account.last_mailbox = std::max(account.last_mailbox, number);
    if (box.row && !account_) account.last_uid_validity = std::max(account.last_uid_validity, box.row->uid_validity);
  }
  if (!account_) {
    account.floor = highest;
    account.modseq = highest + kReservedModseqs;
  }
  account.modseq = std::max(account.modseq, highest);
  account.last_email = std::max(account.last_email, highest_email_);
  account.emails = 0;
  account.bytes = 0;
  for (const auto& [email, seen] : emails_) {
    if (orphans_.contains(email)) continue;
    ++account.emails;
    account.bytes += seen.size;
  }
  const bool is_converted = account_ && account_->layout != kLayout;
  account.layout = kLayout;
  if (account.tombstones != tombstones_ && !is_converted) account.floor = account.modseq;  // which expunges are forgotten nobody knows
  account.tombstones = tombstones_;
  account.changes = changes_rows_;
  return account;
}

// RFC 3501 2.3.1.1: without its row nobody knows which UIDs a mailbox has given, so readers must forget what they remember of it.
void Survey::want_mailboxes(Rows& rows, AccountRow& account, WallTime now) {
  std::set<std::string> names;
  std::set<SpecialUse> uses;
  for (const auto& [number, box] : boxes_) {
    if (!box.row && box.counts.total == 0 && number != kInbox) continue;  // tombstones of a mailbox that is gone
    MailboxRow row;
    if (box.row) {
      row = *box.row;
    } else {
      row.name = number == kInbox ? kInboxName : fmt::format("Recovered {}", number);
      account.last_uid_validity = new_uid_validity(now, account.last_uid_validity);
      row.uid_validity = account.last_uid_validity;
    }
    while (!names.insert(row.name).second) row.name += fmt::format(" ({})", number);
    if (row.special_use != SpecialUse::none && !uses.insert(row.special_use).second) row.special_use = SpecialUse::none;
    row.uid_next = std::max(row.uid_next, box.highest_uid + 1);
    row.highest_modseq = box.highest_modseq != 0 ? box.highest_modseq : account.modseq;
    row.total = box.counts.total;
    row.unseen = box.counts.unseen;
    row.bytes = box.counts.bytes;
    row.deleted = box.counts.deleted;
    row.deleted_bytes = box.counts.deleted_bytes;
    rows[mailbox_key(number)] = encode(row);
    for (const auto& [page, uids] : box.pages) rows[page_key(number, page)] = uids.encode();
    doomed_.erase(recent_key(number));
  }
}

MessagePage& Survey::mended(Place place) {
  const MessagesKey key{place.mailbox, MessagePage::page_of(place.uid)};
  const auto [page, is_new] = mended_.try_emplace(key);
  if (!is_new) return page->second;
  const auto old = stored_.find(messages_key(key.mailbox, key.page));
  auto known = old != stored_.end() ? MessagePage::decode(key.page, old->second) : Result<MessagePage>();
  if (known) page->second = *std::move(known);  // stored_ has only what could be decoded
  return page->second;
}

// What the row of its place says of a message is enough, for the email knows the rest; but for the flags.
void Survey::put_back(const ByEmailKey& lost, Modseq modseq) {
  const SeenEmail& email = emails_.at(lost.email);
  Membership member{lost.email, modseq, email.created, email.size, 0, email.received, email.received, {}};
  take_message(lost.place, member);
  mended(lost.place).put(lost.place.uid, std::move(member));
  changes_.push_back(fmt::format("message {} of mailbox {} was lost: it is back, without its flags", lost.place.uid, lost.place.mailbox));
}

// Flags that a power cut took back may have been seen under the modseqs that were in reserve.
Modseq Survey::next_modseq(AccountRow& account) {
  account.modseq = std::max(account.modseq, account.reserved_modseq);
  return ++account.modseq;
}

// Emails whose last message was expunged and that no entry of the outbox names: it was lost.
void Survey::find_orphans() {
  std::vector<ByEmailKey> stale;
  std::ranges::set_difference(by_email_, messages_, std::back_inserter(stale));
  std::set<EmailId> returning;  // whose places were lost, not expunged
  for (const ByEmailKey& each : stale)
    if (!expunged_.contains(each.place)) returning.insert(each.email);
  for (const ByEmailKey& each : stale) {
    if (!expunged_.contains(each.place) || orphans_.contains(each.email)) continue;
    const auto stays = std::ranges::lower_bound(messages_, each.email, {}, &ByEmailKey::email);
    if (returning.contains(each.email) || (stays != messages_.end() && stays->email == each.email)) {
      if (!left_.contains(each.place)) doomed_.insert(by_email_key(each.email, each.place.mailbox, each.place.uid));
      continue;
    }
    if (left_.contains(each.place)) continue;  // its email stays, says the outbox: the place where it does may come back
    new_orphans_[each.place.mailbox].push_back({each.email, each.place.uid});
  }
  for (const auto& [number, orphans] : new_orphans_)
    for (const Gone& each : orphans) orphans_.insert(each.email);
}

void Survey::put_orphans(Batch& batch, AccountRow& account) {
  constexpr std::size_t kMost = 2'000;
  for (auto& [number, orphans] : new_orphans_) {
    changes_.push_back(fmt::format("{} messages that were expunged from mailbox {} had left something behind", orphans.size(), number));
    for (std::size_t at = 0; at < orphans.size(); at += kMost) {
      const auto first = orphans.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = orphans.begin() + static_cast<std::ptrdiff_t>(std::min(orphans.size(), at + kMost));
      batch.put(Keyspace::outbox, orphans_key(next_modseq(account)), encode(GoneRow{number, {first, last}}));
    }
  }
}

void Survey::put_back_messages(Rows& rows, AccountRow& account) {
  std::vector<ByEmailKey> lost;
  std::ranges::set_difference(by_email_, messages_, std::back_inserter(lost));
  std::erase_if(lost, [this](const ByEmailKey& each) {
    const auto& pages = boxes_[each.place.mailbox].pages;
    const auto page = pages.find(UidPage::page_of(each.place.uid));
    const bool is_taken = page != pages.end() && page->second.contains(static_cast<std::uint16_t>(each.place.uid));
    return is_taken || expunged_.contains(each.place) || orphans_.contains(each.email) || !emails_.contains(each.email);
  });
  for (const ByEmailKey& each : lost) put_back(each, next_modseq(account));
  std::ranges::sort(messages_);
  for (const auto& [key, page] : mended_) {
    const std::string row = messages_key(key.mailbox, key.page);
    if (page.empty() && stored_.contains(row)) doomed_.insert(row);
    if (page.empty()) continue;
    rows[row] = page.encode();
    doomed_.erase(row);
  }
}

// Where the log has lost changes it says that everything may have changed.
void Survey::want_log(Rows& rows, AccountRow& account) {
  for (auto& [number, box] : boxes_) {
    if (!box.is_unlogged) continue;
    const ChangedRow all{number, std::vector<UidRange>(1, UidRange{1, box.highest_uid})};
    box.highest_modseq = next_modseq(account);
    rows[changed_key(box.highest_modseq)] = encode(all);
    ++account.changes;
  }
}

void Survey::want_threads(Rows& rows) const {
  for (const auto& [hash, thread] : threads_) {
    ThreadRow row = thread;
    const auto old = stored_.find(thread_key(hash));
    const auto known = old == stored_.end() ? Result<ThreadRow>(thread) : decode_thread(old->second);
    if (known && known->thread != 0) row.thread = known->thread;
    rows[thread_key(hash)] = encode(row);
  }
}

// A keyword whose name was lost gets one that says so.
void Survey::want_keywords(Rows& rows) const {
  for (const KeywordNumber number : keywords_) {
    const std::string key = keyword_key(number);
    const auto old = stored_.find(key);
    rows[key] = old == stored_.end() ? fmt::format("recovered-{}", number) : old->second;
  }
}

Survey::Rows Survey::wanted(WallTime now) {
  Rows rows;
  boxes_.try_emplace(kInbox);
  find_orphans();
  AccountRow account = wanted_account();
  put_back_messages(rows, account);
  rows.insert(converted_log_.begin(), converted_log_.end());
  want_log(rows, account);
  want_mailboxes(rows, account, now);
  want_threads(rows);
  want_keywords(rows);
  put_orphans(orphans_batch_, account);
  rows[std::string(kAccountKey)] = encode(account);
  for (const auto& [email, seen] : emails_) doomed_.erase(details_key(email));
  for (const auto& [key, value] : stored_) {
    const bool goes = key.starts_with(kAllPages) || key.starts_with(kAllThreads);
    if (goes && !rows.contains(key)) doomed_.insert(key);
  }
  return rows;
}

void Survey::tell(const std::string& key) {
  const bool is_of_conversion = key == kAccountKey || key.starts_with(kAllMessages) || key.starts_with(kAllChanged) ||
                                key.starts_with(kAllExpunged) || key.starts_with(kAllEarlierMessages);
  if (account_ && account_->layout != kLayout && is_of_conversion) return;
  const std::string_view was = stored_.contains(key) || doomed_.contains(key) ? "wrong" : "missing";
  if (key == kAccountKey) {
    changes_.push_back(fmt::format("the row of the account was {}", was));
  } else if (const auto number = parse_mailbox_key(key); key.starts_with(kAllMailboxes) && number) {
    const std::string_view validity = boxes_[*number].row ? "" : ", its UIDVALIDITY is new";
    changes_.push_back(fmt::format("the row of mailbox {} was {}{}", *number, was, validity));
  } else if (const auto page = parse_page_key(key); key.starts_with(kAllPages) && page) {
    changes_.push_back(fmt::format("page {} of the UIDs of mailbox {} was {}", page->page, page->mailbox, was));
  } else if (key.starts_with(kAllMessages)) {
    if (doomed_.contains(key)) changes_.push_back("a page of messages could not be read");  // else each of them was named
  } else if (key.starts_with(kAllChanged) || key.starts_with(kAllExpunged)) {
    changes_.push_back("a part of the log of changes was lost");
  } else if (key.starts_with(kAllThreads)) {
    changes_.push_back(fmt::format("the thread of a message id was {}", was));
  } else if (key.starts_with(kAllKeywords)) {
    changes_.push_back(fmt::format("the name of a keyword was {}", was));
  } else {
    changes_.push_back("a row of what is not there any more was left");
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
  if (account_ && account_->layout != kLayout)
    changes_.push_back(fmt::format("{} messages are brought into the form of this release", converted_messages_));
  auto account = rows.extract(std::string(kAccountKey));
  std::vector<Batch> out;
  Batch batch = new_batch();
  for (const auto& operation : orphans_batch_.operations())
    if (const auto* put = std::get_if<Batch::Put>(&operation)) batch.put(put->keyspace, put->key, put->value);
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
  for (const ByEmailKey& each : missing_by_email()) {
    changes_.push_back(fmt::format("where email {} is was missing", each.email));
    batch.put(Keyspace::mailbox, by_email_key(each.email, each.place.mailbox, each.place.uid), "");
    cut();
  }
  for (const std::string& key : doomed_) {
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

namespace {

// Whether a row has a number that is still to be given.
Task<Result<bool>> is_overtaken(store::View& view, std::vector<MailboxNumber> mailboxes) {
  GODWIT_CO_ASSIGN(const auto account_row, co_await view.get(Keyspace::mailbox, std::string(kAccountKey)));
  if (!account_row) co_return false;
  GODWIT_CO_ASSIGN(const auto account, decode_account(account_row->value));
  GODWIT_CO_ASSIGN(const bool email, co_await has_row(view, email_key(account.last_email + 1), kAllEmails));
  if (email) co_return true;
  for (const MailboxNumber number : mailboxes) {
    GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, mailbox_key(number)));
    if (!row) continue;
    GODWIT_CO_ASSIGN(const auto mailbox, decode_mailbox(row->value));
    const std::vector<UidRange> to_be_given(1, {mailbox.uid_next, UINT32_MAX});
    const auto messages = co_await read_members(view, number, to_be_given, 1);
    if (!messages && messages.error().cause != Error::Cause::corrupt) co_return fail(messages.error());
    if (!messages || !messages->empty()) co_return true;
  }
  co_return false;
}

}  // namespace

Task<Result<std::vector<std::string>>> Mailboxes::Impl::rebuild_in_turn(directory::AccountId account) {
  states.take(account);  // what is kept of it is no good any more
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
    if (!survey.changes().empty()) feed.changed(account);
    for (const auto& change : survey.changes()) log::warning("mailbox rows rebuilt", {{"account", account}, {"what", change}});
    co_return survey.changes();
  }
  co_return fail(Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
}

Task<Result<void>> Mailboxes::Impl::mend_counters(directory::AccountId account, std::vector<MailboxNumber> mailboxes) {
  const auto view = engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool overtaken, co_await is_overtaken(*view, std::move(mailboxes)));
  if (overtaken) GODWIT_CO_TRY(co_await rebuild_in_turn(account));
  co_return Result<void>{};
}

Task<Result<std::vector<std::string>>> Mailboxes::rebuild(directory::AccountId account) {
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  co_return co_await impl_->rebuild_in_turn(account);
}

}  // namespace godwit::mailbox
