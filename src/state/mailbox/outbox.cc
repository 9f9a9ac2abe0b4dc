// The outbox: what an account's batch could not do because it lies in other partitions. Every step may be done twice.

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Batch;
using store::Keyspace;

constexpr store::ScanLimit kChunk{1'000, 512 * 1024};

struct Release {
  EmailId email = 0;
  BlobRelease what;
};

Result<std::vector<Release>> decode_releases(const std::vector<store::Row>& rows) {
  std::vector<Release> releases;
  releases.reserve(rows.size());
  for (const auto& row : rows) {
    GODWIT_ASSIGN(const auto email, parse_number_key(row.key));
    GODWIT_ASSIGN(const auto what, decode_release(row.value));
    releases.push_back({email, what});
  }
  return releases;
}

// Durable, for two reasons: the outbox entry must not vanish before the reference does (they lie in different partitions),
// and it covers the queue's lazy completion, which lies in this partition before it.
Task<Result<void>> erase_references(store::Engine& engine, directory::AccountId account, std::vector<Release> releases) {
  std::map<store::Partition, Batch> batches;
  for (const auto& each : releases)
    batches[each.what.blob.partition].erase(Keyspace::blob_refs, blob_ref_key(each.what.blob, account, each.email));
  for (auto& [partition, batch] : batches) {
    const store::WriteDone done = co_await engine.write(partition, std::move(batch));
    GODWIT_CO_TRY(store::as_result(done, "dropping references to blobs"));
  }
  co_return Result<void>{};
}

Task<Result<void>> erase_releases(store::Engine& engine, directory::AccountId account, std::vector<Release> releases) {
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  for (const auto& each : releases) batch.erase(Keyspace::outbox, release_key(each.email));
  const store::WriteDone done = co_await engine.write(directory::partition_of(account), std::move(batch));
  co_return store::as_result(done, "erasing outbox entries");
}

Task<Result<bool>> has_any(store::Engine& engine, store::Partition partition, Keyspace keyspace, std::string prefix) {
  const auto view = engine.read(partition);
  const std::string end = prefix_end(prefix);
  GODWIT_CO_ASSIGN(const auto page, co_await view->scan(keyspace, std::move(prefix), end, store::ScanLimit{1, 64 * 1024}));
  co_return !page.rows.empty();
}

// The account's emails become outbox entries, then every other row goes.
Task<Result<void>> release_emails(store::Engine& engine, directory::AccountId account) {
  const auto partition = directory::partition_of(account);
  const auto view = engine.read(partition);
  PrefixScan scan(*view, Keyspace::mailbox, std::string(kAllEmails));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kChunk));
    if (rows.empty()) co_return Result<void>{};
    Batch batch;
    batch.durability = Batch::Durability::lazy;  // the erasure of the rest is durable and comes after
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto email, parse_number_key(row.key));
      const auto record = decode_email(row.value);
      if (record)
        batch.put(Keyspace::outbox, release_key(email), encode(BlobRelease{record->email.blob, record->message}));
      else  // which bytes were its nobody knows: they stay
        log::error("email record lost", {{"account", account}, {"email", email}, {"error", record.error().text}});
      batch.erase(Keyspace::mailbox, row.key);
    }
    const store::WriteDone done = co_await engine.write(partition, std::move(batch));
    GODWIT_CO_TRY(store::as_result(done, "erasing the mail of a removed account"));
  }
}

}  // namespace

// The queue keeps a message under its id, 8 bytes big-endian, in `fresh` or at the head of its keys in `waiting`; with its last
// row goes the blob, or references take over in the same batch.
Task<Result<bool>> Mailboxes::Impl::queue_has(MessageId message) {
  if (message.value == 0) co_return false;
  const store::Partition partition = store::kFirstShardPartition + message.shard();
  std::string key;
  append_be64(key, message.value);
  GODWIT_CO_ASSIGN(const bool fresh, co_await has_any(engine, partition, Keyspace::fresh, key));
  if (fresh) co_return true;
  co_return co_await has_any(engine, partition, Keyspace::waiting, std::move(key));
}

Task<Result<bool>> Mailboxes::Impl::has_reference(store::BlobId blob) {
  co_return co_await has_any(engine, blob.partition, Keyspace::blob_refs, blob_refs_prefix(blob));
}

namespace {

// Nothing: the record is lost or cannot be decoded. What the engine cannot read is an error: it may be read another time.
Task<Result<std::optional<EmailRow>>> read_email(store::View& view, EmailId id) {
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, email_key(id)));
  if (!row) co_return std::nullopt;
  auto record = decode_email(row->value);
  if (!record) co_return std::nullopt;
  co_return *std::move(record);
}

// Of an email whose record is lost the bytes stay where they are, for nobody knows which they were. Returns whether it was there.
Task<Result<bool>> bury(AccountWriter& writer, EmailId email) {
  GODWIT_CO_ASSIGN(const auto record, co_await read_email(writer.view(), email));
  if (record) {
    GODWIT_CO_TRY(co_await writer.erase_email(email, *record));
    co_return true;
  }
  log::error("email record lost", {{"email", email}});
  writer.batch().erase(Keyspace::mailbox, email_key(email));
  writer.batch().erase(Keyspace::mailbox, details_key(email));
  co_return false;
}

// Which of these places have that email after all: after a repair an old page may be back.
Task<Result<std::set<Place>>> find_back(store::View& view, const GoneRow& left) {
  std::vector<UidRange> uids;
  std::map<Uid, EmailId> emails;
  for (const Gone& each : left.messages) {
    uids.push_back({each.uid, each.uid});
    emails[each.uid] = each.email;
  }
  GODWIT_CO_ASSIGN(const auto members, co_await read_members(view, left.mailbox, normalised(std::move(uids)), UINT32_MAX));
  std::set<Place> out;
  for (const Member& each : members)
    if (emails[each.uid] == each.row.email) out.insert({left.mailbox, each.uid});
  co_return out;
}

}  // namespace

// A rebuild finds by the tombstones what it named; the entry goes when that is done.
Task<Result<void>> Mailboxes::Impl::drop_unreadable(directory::AccountId account, std::string key) {
  GODWIT_CO_TRY(co_await rebuild_in_turn(account));
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  batch.erase(Keyspace::outbox, std::move(key));
  const store::WriteDone done = co_await engine.write(directory::partition_of(account), std::move(batch));
  co_return store::as_result(done, "erasing an outbox entry");
}

// The records of emails that are in no mailbox any more become entries of their bytes.
Task<Result<Buried>> Mailboxes::Impl::bury_some(directory::AccountId account) {
  constexpr std::size_t kPiece = 500;
  const AccountTurns::Turn turn = co_await turns.acquire(account);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const auto found, co_await writer.view().scan(Keyspace::outbox, std::string(kAllOrphans), prefix_end(kAllOrphans),
                                                                   store::ScanLimit{1, 64 * 1024}));
    if (found.rows.empty()) co_return Buried{};
    const store::Row& row = found.rows.front();
    auto read = decode_gone(row.value);
    if (!read) {
      log::error("entry of the outbox unreadable", {{"account", account}, {"error", read.error().text}});
      GODWIT_CO_TRY(co_await drop_unreadable(account, row.key));
      co_return Buried{true, false};
    }
    Buried done{true, false};
    GoneRow orphans = *std::move(read);
    auto next = orphans.messages.begin();
    for (std::size_t count = 0; next != orphans.messages.end(); ++next, ++count) {
      const bool is_first = next == orphans.messages.begin() || std::prev(next)->email != next->email;
      if (is_first && (count >= kPiece || !writer.has_room())) break;
      if (is_first) {
        GODWIT_CO_ASSIGN(const bool was_there, co_await bury(writer, next->email));
        done.lost = done.lost || !was_there;
      }
      writer.batch().erase(Keyspace::mailbox, by_email_key(next->email, orphans.mailbox, next->uid));
    }
    orphans.messages.erase(orphans.messages.begin(), next);
    if (orphans.messages.empty())
      writer.batch().erase(Keyspace::outbox, row.key);
    else
      writer.batch().put(Keyspace::outbox, row.key, encode(orphans));
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("clearing up after an expunge", AccountWriter::Durability::lazy));
    if (written) co_return done;
  }
  co_return fail(overtaken());
}

// Rows by email of messages that have gone while their emails stay. No UID is given twice, so nobody else means these rows.
Task<Result<void>> Mailboxes::Impl::clear_left(directory::AccountId account) {
  const auto partition = directory::partition_of(account);
  for (;;) {
    const AccountTurns::Turn turn = co_await turns.acquire(account);  // a turn a row: others get in between
    const auto view = engine.read(partition);
    GODWIT_CO_ASSIGN(const auto found,
                     co_await view->scan(Keyspace::outbox, std::string(kAllLeft), prefix_end(kAllLeft), store::ScanLimit{1, 64 * 1024}));
    if (found.rows.empty()) co_return Result<void>{};
    const store::Row& row = found.rows.front();
    const auto left = decode_gone(row.value);
    if (!left) {
      log::error("entry of the outbox unreadable", {{"account", account}, {"error", left.error().text}});
      GODWIT_CO_TRY(co_await drop_unreadable(account, row.key));
      continue;
    }
    Batch batch;
    batch.durability = Batch::Durability::lazy;
    GODWIT_CO_ASSIGN(const auto back, co_await find_back(*view, *left));
    for (const Gone& each : left->messages)
      if (!back.contains({left->mailbox, each.uid})) batch.erase(Keyspace::mailbox, by_email_key(each.email, left->mailbox, each.uid));
    batch.erase(Keyspace::outbox, row.key);
    const store::WriteDone done = co_await engine.write(partition, std::move(batch));
    GODWIT_CO_TRY(store::as_result(done, "clearing up after an expunge"));
  }
}

Task<Result<void>> Mailboxes::Impl::bury_orphans(directory::AccountId account) {
  bool lost = false;
  for (;;) {
    GODWIT_CO_ASSIGN(const Buried done, co_await bury_some(account));
    if (!done.any) break;
    lost = lost || done.lost;
  }
  if (!lost) co_return Result<void>{};
  const AccountTurns::Turn turn = co_await turns.acquire(account);
  GODWIT_CO_TRY(co_await rebuild_in_turn(account));  // whether the lost one was counted nobody can tell
  co_return Result<void>{};
}

Task<Result<void>> Mailboxes::Impl::apply_releases(directory::AccountId account) {
  const auto view = engine.read(directory::partition_of(account));
  PrefixScan scan(*view, Keyspace::outbox, std::string(kAllReleases));
  bool waits = false;
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kChunk));
    if (rows.empty()) break;
    GODWIT_CO_ASSIGN(auto releases, decode_releases(rows));
    std::vector<Release> ready;
    for (const auto& each : releases) {
      GODWIT_CO_ASSIGN(const bool queued, co_await queue_has(each.what.message));
      // while the queue has the message it may yet put the reference that this entry is to erase
      if (queued)
        waits = true;
      else
        ready.push_back(each);
    }
    if (ready.empty()) continue;
    GODWIT_CO_TRY(co_await erase_references(engine, account, ready));
    for (const auto& each : ready) {
      bool needed = false;
      if (each.what.blob.partition != directory::partition_of(account)) {  // else it was appended, as this email alone
        GODWIT_CO_ASSIGN(needed, co_await has_reference(each.what.blob));
      }
      if (!needed) blobs.drop(each.what.blob);
    }
    GODWIT_CO_TRY(co_await erase_releases(engine, account, std::move(ready)));
  }
  set_postponed(account, waits);
  co_return Result<void>{};
}

Task<Result<bool>> Mailboxes::Impl::erase_account(directory::AccountId account) {
  const auto partition = directory::partition_of(account);
  {
    const AccountTurns::Turn turn = co_await turns.acquire(account);
    ignore(states.take(account), "of no use any more");
    Batch close;
    close.put(Keyspace::directory, std::string(directory::kRemovedKey), "");  // from here on no delivery gets in
    const store::WriteDone closed = co_await engine.write(partition, std::move(close));
    GODWIT_CO_TRY(store::as_result(closed, "closing a removed account"));
    GODWIT_CO_TRY(co_await release_emails(engine, account));
    Batch rest;
    rest.erase_range(Keyspace::mailbox, "", "");
    rest.erase_range(Keyspace::delivered, "", "");
    rest.erase_range(Keyspace::outbox, std::string(kAllOrphans), prefix_end(kAllOrphans));  // their emails are among the others
    rest.erase_range(Keyspace::outbox, std::string(kAllLeft), prefix_end(kAllLeft));
    const store::WriteDone erased = co_await engine.write(partition, std::move(rest));
    GODWIT_CO_TRY(store::as_result(erased, "erasing a removed account"));
  }
  derived.forget(account);
  feed.changed(account);  // who is logged in finds nothing any more
  GODWIT_CO_TRY(co_await apply_releases(account));
  GODWIT_CO_ASSIGN(const bool left, co_await has_any(engine, partition, Keyspace::outbox, std::string(kAllReleases)));
  co_return !left;
}

void Mailboxes::Impl::set_postponed(directory::AccountId account, bool is_postponed) {
  const std::lock_guard lock(postponed_mutex);
  if (is_postponed)
    postponed.insert(account);
  else
    postponed.erase(account);
}

void Mailboxes::Impl::set_untidy(directory::AccountId account, bool is_untidy) {
  const std::lock_guard lock(postponed_mutex);
  if (is_untidy)
    untidy.insert(account);
  else
    untidy.erase(account);
}

bool Mailboxes::Impl::is_untidy(directory::AccountId account) {
  const std::lock_guard lock(postponed_mutex);
  return untidy.contains(account);
}

bool Mailboxes::Impl::is_postponed(directory::AccountId account) {
  const std::lock_guard lock(postponed_mutex);
  return postponed.contains(account);
}

Task<Result<void>> Mailboxes::apply_outbox(directory::AccountId account) {
  const AccountTurns::Turn turn = co_await impl_->outbox_turns.acquire(account);
  const std::string removal = directory::removal_key(account);
  GODWIT_CO_ASSIGN(const auto removed, co_await impl_->engine.get(store::kDirectoryPartition, Keyspace::outbox, removal));
  if (!removed) {
    co_await impl_->settle_appends(account);
    impl_->set_untidy(account, false);  // who adds to it from now on says so again
    auto applied = co_await impl_->clear_left(account);
    if (applied) applied = co_await impl_->bury_orphans(account);
    if (applied) applied = co_await impl_->apply_releases(account);
    if (!applied) impl_->set_untidy(account, true);
    co_return applied;
  }
  GODWIT_CO_ASSIGN(const bool done, co_await impl_->erase_account(account));
  if (!done) co_return Result<void>{};
  Batch batch;
  batch.durability = Batch::Durability::lazy;
  batch.erase(Keyspace::outbox, removal);
  const store::WriteDone erased = co_await impl_->engine.write(store::kDirectoryPartition, std::move(batch));
  co_return store::as_result(erased, "erasing the removal of an account");
}

Task<> Mailboxes::tidy(directory::AccountId account) {
  if (!impl_->is_untidy(account)) co_return;
  const auto applied = co_await apply_outbox(account);
  if (!applied) log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
}

// Notes of deliveries that a crash kept from being forgotten: their message has left the queue. The sync comes between looking and
// erasing, so that the completion which was seen cannot be lost after its note has gone.
Task<Result<void>> Mailboxes::Impl::sweep_delivered(directory::AccountId account) {
  const auto partition = directory::partition_of(account);
  const auto view = engine.read(partition);
  PrefixScan scan(*view, Keyspace::delivered, "");
  Batch stale;
  stale.durability = Batch::Durability::lazy;
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kChunk));
    if (rows.empty() || stale.bytes() > kChunk.bytes) break;
    for (const auto& row : rows) {
      if (row.key.size() < 8) co_return fail(Error::permanent(Error::Cause::corrupt, "the note of a delivery has a damaged key"));
      GODWIT_CO_ASSIGN(const bool queued, co_await queue_has(MessageId{read_be64(row.key)}));
      if (!queued) stale.erase(Keyspace::delivered, row.key);
    }
  }
  if (stale.empty()) co_return Result<void>{};
  GODWIT_CO_TRY(co_await engine.sync());
  const store::WriteDone done = co_await engine.write(partition, std::move(stale));
  co_return store::as_result(done, "erasing notes of old deliveries");
}

Task<std::size_t> Mailboxes::apply_outboxes(std::vector<directory::AccountId> accounts) {
  std::size_t failed = 0;
  for (const auto account : accounts) {
    auto applied = co_await apply_outbox(account);
    if (applied) applied = co_await impl_->sweep_delivered(account);
    if (applied) continue;
    ++failed;
    log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
  }
  co_return failed;
}

}  // namespace godwit::mailbox
