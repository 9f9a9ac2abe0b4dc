#include "state/mailbox/unproven.h"

#include <algorithm>

#include "base/log.h"
#include "state/mailbox/account_writer.h"

namespace godwit::mailbox {

using store::Keyspace;

UnprovenEmails::Hold& UnprovenEmails::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  emails_ = std::exchange(other.emails_, nullptr);
  account_ = other.account_;
  first_ = other.first_;
  return *this;
}

void UnprovenEmails::Hold::let_go() {
  if (emails_ == nullptr) return;
  const std::lock_guard lock(emails_->mutex_);
  const auto found = emails_->held_.find(account_);
  auto& held = found->second;
  held.erase(std::ranges::find(held, first_));
  if (held.empty()) emails_->held_.erase(found);
  emails_ = nullptr;
}

UnprovenEmails::Hold UnprovenEmails::hold(directory::AccountId account, EmailId first) {
  const std::lock_guard lock(mutex_);
  held_[account].push_back(first);
  return {*this, account, first};
}

EmailId UnprovenEmails::lowest(directory::AccountId account) const {
  const auto found = held_.find(account);
  return found == held_.end() ? 0 : std::ranges::min(found->second);
}

EmailId UnprovenEmails::first(directory::AccountId account, EmailId noted) {
  const std::lock_guard lock(mutex_);
  if (noted != 0 && !settled_.contains(account)) return noted;  // lower than all of this process
  return lowest(account);
}

EmailId UnprovenEmails::first_held(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  return lowest(account);
}

bool UnprovenEmails::is_settled(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  return settled_.contains(account);
}

void UnprovenEmails::set_settled(directory::AccountId account) {
  const std::lock_guard lock(mutex_);
  settled_.insert(account);
}

namespace {

struct Unfinished {
  EmailId email = 0;
  std::string why;
};

Task<Result<void>> look_at(std::string_view /*piece*/) { co_return Result<void>{}; }

// Appended emails from `first` on and below `end` that have no bytes, unless a sync mark says that they had. Errors: the bytes cannot be
// read now, and may be another time.
Task<Result<std::vector<Unfinished>>> find_unfinished(store::View& view, store::Blobs& blobs, EmailId first, EmailId end) {
  std::vector<Unfinished> out;
  RangeScan scan(view, Keyspace::mailbox, email_key(first), email_key(end));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const EmailId id, parse_number_key(row.key));
      const auto record = decode_email(row.value);
      // the queue had the bytes of what was delivered on the disk before
      if (!record || record->message.value != 0 || blobs.was_synced(record->email.blob)) continue;
      const auto read = co_await store::copy_blob(blobs, record->email.blob, look_at);
      if (read) continue;
      if (read.error().cause != Error::Cause::not_found && read.error().cause != Error::Cause::corrupt) co_return fail(read.error());
      out.push_back({id, read.error().text});
    }
  }
}

Task<Result<std::vector<Place>>> places_of(store::View& view, EmailId email) {
  std::vector<Place> out;
  PrefixScan scan(view, Keyspace::mailbox, by_email_prefix(email));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
      out.push_back(key.place);
    }
  }
}

// false: the batch is full before all of it is in.
Task<Result<bool>> remove_email(AccountWriter& writer, EmailId email) {
  GODWIT_CO_ASSIGN(const auto row, co_await writer.view().get(Keyspace::mailbox, email_key(email)));
  if (!row) co_return true;  // somebody has expunged it
  GODWIT_CO_ASSIGN(const auto record, decode_email(row->value));
  GODWIT_CO_ASSIGN(const auto places, co_await places_of(writer.view(), email));
  bool was_counted = false;  // else it was expunged, and waits for the outbox
  for (const Place place : places) {
    if (!writer.has_room()) co_return false;
    writer.batch().erase(Keyspace::mailbox, by_email_key(email, place.mailbox, place.uid));
    const auto box = co_await writer.mailbox(place.mailbox);
    if (!box && box.error().cause == Error::Cause::not_found) continue;  // deleted meanwhile, or long ago
    GODWIT_CO_TRY(box);
    std::vector<UidRange> one(1, {place.uid, place.uid});
    GODWIT_CO_ASSIGN(const auto members, co_await writer.members(place.mailbox, std::move(one), 1));
    if (members.empty() || members.front().row.email != email) continue;
    GODWIT_CO_TRY(co_await writer.load(place.mailbox, place.uid));
    writer.take_room();
    writer.remove_message(place.mailbox, members.front(), AccountWriter::RemovedFrom::one_place);
    was_counted = true;
  }
  if (was_counted) writer.discount_email(record.email.size());
  GODWIT_CO_TRY(co_await writer.erase_email(email, record));
  co_return true;
}

Task<Result<bool>> remove_emails(AccountWriter& writer, const std::vector<EmailId>& emails) {
  for (const EmailId email : emails) {
    GODWIT_CO_ASSIGN(const bool whole, co_await remove_email(writer, email));
    if (!whole) co_return false;
  }
  co_return true;
}

}  // namespace

Task<Result<void>> Mailboxes::Impl::take_out(directory::AccountId account, std::vector<EmailId> emails) {
  for (int attempt = 0; attempt < kAttempts;) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const bool whole, co_await remove_emails(writer, emails));
    if (!writer.has_changes()) co_return Result<void>{};
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("taking out messages without bytes"));
    if (written && whole) co_return Result<void>{};
    if (!written) ++attempt;
  }
  co_return fail(overtaken());
}

// The row moves on also where nothing was missing: bytes that are lost later are never taken for an append that had not ended.
Task<Result<void>> Mailboxes::Impl::settle_in_turn(directory::AccountId account) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto view = engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
    if (!row) co_return Result<void>{};
    auto known = decode_account(row->value);
    if (known && known->layout != kLayout) {
      GODWIT_CO_TRY(co_await rebuild_in_turn(account));
      continue;
    }
    if (!known || known->unproven_email == 0) co_return Result<void>{};
    const EmailId held = unproven.first_held(account);
    const EmailId end = held != 0 ? held : known->last_email + 1;
    GODWIT_CO_ASSIGN(const auto unfinished, co_await find_unfinished(*view, blobs, known->unproven_email, end));
    if (!unfinished.empty()) {
      std::vector<EmailId> emails;
      for (const auto& each : unfinished) {
        emails.push_back(each.email);
        log::warning("taking out a message whose bytes never reached the disk; who appended it was not told that it is kept",
                     {{"account", account}, {"email", each.email}, {"error", each.why}});
      }
      GODWIT_CO_TRY(co_await take_out(account, std::move(emails)));
      continue;  // nothing is left of them now
    }
    ignore(states.take(account), "the row gets a new version");
    known->unproven_email = held;
    store::Batch batch;
    batch.durability = store::Batch::Durability::lazy;
    batch.require(Keyspace::mailbox, std::string(kAccountKey), row->version);
    batch.require_absent(Keyspace::directory, std::string(directory::kRemovedKey));
    batch.put(Keyspace::mailbox, std::string(kAccountKey), encode(*known));
    const store::WriteDone done = co_await engine.write(directory::partition_of(account), std::move(batch));
    if (done.outcome == store::WriteOutcome::conflict) continue;
    co_return store::as_result(done, "noting that appends have ended");
  }
  co_return fail(overtaken());
}

Task<std::size_t> Mailboxes::settle_appends(std::vector<directory::AccountId> accounts) {
  std::size_t failed = 0;
  for (const auto account : accounts) {
    co_await impl_->settle_appends(account);
    failed += impl_->unproven.is_settled(account) ? 0 : 1;
  }
  co_return failed;
}

Task<> Mailboxes::Impl::settle_appends(directory::AccountId account) {
  if (unproven.is_settled(account)) co_return;
  const AccountTurns::Turn turn = co_await turns.acquire(account);
  if (unproven.is_settled(account)) co_return;
  const auto done = co_await settle_in_turn(account);
  if (done)
    unproven.set_settled(account);
  else
    log::warning("appends of before the start not looked at yet", {{"account", account}, {"error", done.error().text}});
}

}  // namespace godwit::mailbox
