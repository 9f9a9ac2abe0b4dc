#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "state/queue/card_reader.h"
#include "state/queue/queue_impl.h"
#include "state/queue/record.h"

namespace godwit::queue {

using store::Batch;
using store::Keyspace;
using Durability = store::Batch::Durability;

namespace {

// Fresh messages that a power cut cannot have torn are looked at as well, so many: a start does not wait for a million of them. What
// else is missing or damaged is found when it is tried.
constexpr std::size_t kProvenExamined = 2'000;

const std::string kLeaseKey = "lease/" + std::string(kLease);

WallTime time_of(std::string_view value) { return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(read_be64(value)))); }

std::string describe(const Message& message) {
  std::string text = fmt::format("from <{}> to", message.reverse_path.text());
  constexpr std::size_t kNamed = 5;
  for (std::size_t i = 0; i < std::min(message.recipients.size(), kNamed); ++i) text += " <" + message.recipients[i].address.text() + ">";
  if (message.recipients.size() > kNamed) text += fmt::format(" and {} more", message.recipients.size() - kNamed);
  return text;
}

// Nothing but its accept has written its rows. Whoever else writes them has seen the accept end: then the bytes were synced.
bool only_accepted(const Message& message) { return !message.rows.waiting || message.rows.as_accepted; }

}  // namespace

Task<Result<void>> Queue::open(std::size_t loops, std::filesystem::path crash_note) {
  GODWIT_CHECK(loops > 0 && loops <= kShards);
  impl_->catalogues.resize(loops);
  GODWIT_CO_TRY(co_await impl_->begin_epoch(loops));
  GODWIT_CO_TRY(co_await impl_->read_rules());
  Impl::Found found;
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    GODWIT_CO_TRY(co_await impl_->recover_shard(static_cast<Shard>(shard), shard < loops, found));
  }
  GODWIT_CO_TRY(co_await impl_->examine_unproven(found));
  GODWIT_CO_TRY(co_await settle_damage());
  for (Impl::Suspect& suspect : found.suspects) {
    GODWIT_CO_ASSIGN(auto message, co_await load(suspect.id));
    if (!message || !only_accepted(*message)) continue;  // its damage has been settled
    if (suspect.missing && impl_->may_be_torn(message->id, message->blob)) {
      GODWIT_CO_TRY(co_await impl_->remove_unacknowledged(*message, suspect.why));
    } else {
      GODWIT_CO_TRY(co_await hold_at_start(*std::move(message), std::move(suspect.why)));
    }
  }
  GODWIT_CO_TRY(co_await impl_->note_settled());
  if (!crash_note.empty()) {
    GODWIT_CO_TRY(co_await settle_crash(std::move(crash_note)));
  }
  co_return Result<void>();
}

std::vector<Shard> Queue::used_shards() const {
  std::vector<Shard> shards;
  for (std::size_t shard = 0; shard < kShards; ++shard)
    if (impl_->shards[shard].used.load(std::memory_order_acquire)) shards.push_back(static_cast<Shard>(shard));
  return shards;
}

// One durable write raises this node's epoch and the id floor. The shards in use get the epoch into their lease row lazily,
// before any other write of theirs: a partition is a prefix of its writes.
Task<Result<void>> Queue::Impl::begin_epoch(std::size_t loops) {
  GODWIT_CO_ASSIGN(const auto settled, co_await engine.get(store::kServerPartition, Keyspace::server, std::string(kSettledKey)));
  if (settled && settled->value.size() == 8) settled_before = time_of(settled->value);
  GODWIT_CO_ASSIGN(const auto row, co_await engine.get(store::kServerPartition, Keyspace::server, kIdFloorKey));
  const WallTime stored = row && row->value.size() == 8 ? time_of(row->value) : WallTime();
  const IdFloor::Start start = floor.start(stored);
  Batch batch;
  batch.add(Keyspace::server, kLeaseKey, 1);
  batch.put(Keyspace::server, kIdFloorKey, encode_floor(start.floor));
  const store::WriteDone done = co_await engine.write(store::kServerPartition, std::move(batch));
  GODWIT_CO_TRY(store::as_result(done, "opening the queue"));
  epoch = static_cast<std::uint64_t>(done.sums.at(0));
  floor.raised(start.floor);
  first_id = start.first;
  for (std::size_t loop = 0; loop < loops; ++loop) sources.emplace_back(floor, static_cast<Shard>(loop), start.first);
  co_return Result<void>();
}

// Every message of the runs before has its bytes, or is gone: what is missing of one later was lost. Lazy: without this row the
// next start looks once more.
Task<Result<void>> Queue::Impl::note_settled() {
  Batch row;
  row.durability = Durability::lazy;
  row.put(Keyspace::server, std::string(kSettledKey), encode_floor(first_id));
  const store::WriteDone done = co_await engine.write(store::kServerPartition, std::move(row));
  co_return store::as_result(done, "opening the queue");
}

Task<Result<void>> Queue::Impl::claim(Shard shard) {
  const store::Partition partition = store::kFirstShardPartition + shard;
  GODWIT_CO_ASSIGN(const auto row, co_await engine.get(partition, Keyspace::server, kLeaseKey));
  if (row && row->value.size() == 8 && read_be64(row->value) >= epoch)
    co_return fail(Error::temporary(Error::Cause::conflict, fmt::format("queue shard {} belongs to a newer epoch", shard)));
  Batch batch;
  batch.durability = Durability::lazy;
  batch.require(Keyspace::server, kLeaseKey, row ? std::optional(row->version) : std::nullopt);
  std::string value;
  append_be64(value, epoch);
  batch.put(Keyspace::server, kLeaseKey, std::move(value));
  const store::WriteDone done = co_await engine.write(partition, std::move(batch));
  GODWIT_CO_TRY(store::as_result(done, "taking a queue shard"));
  shards[shard].used.store(true, std::memory_order_release);
  co_return Result<void>();
}

Task<Result<void>> Queue::Impl::recover_shard(Shard shard, bool is_loops, Found& found) {
  if (is_loops) {
    GODWIT_CO_TRY(co_await claim(shard));
  }
  std::string from;
  while (true) {
    auto view = engine.read(store::kFirstShardPartition + shard);
    GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(Keyspace::fresh, from, std::string()));
    if (!page.rows.empty() && !shards[shard].used) {
      GODWIT_CO_TRY(co_await claim(shard));
    }
    GODWIT_CO_TRY(co_await recover_fresh(shard, page.rows, found));
    if (!page.next) break;
    from = *page.next;
  }
  GODWIT_CO_ASSIGN(const bool has_waiting, co_await count_waiting(shard, found));
  if (has_waiting && !shards[shard].used) {
    GODWIT_CO_TRY(co_await claim(shard));
  }
  co_return Result<void>();
}

Task<Result<void>> Queue::Impl::recover_fresh(Shard shard, const std::vector<store::Row>& rows, Found& found) {
  MessageId garbage{};
  CardReader reader;
  for (const store::Row& row : rows) {
    const auto key = parse_row_key(row.key);
    if (!key) continue;
    if (key->page != 0) {
      if (key->id == garbage || key->page != 1) continue;
      // The first page: the record, if there is one, is the row before; it may have been in the page of rows before.
      GODWIT_CO_ASSIGN(const auto record, co_await engine.get(store::kFirstShardPartition + shard, Keyspace::fresh, message_key(key->id)));
      if (record) continue;
      garbage = key->id;
      GODWIT_CO_TRY(co_await erase_leftovers(garbage, Keyspace::fresh));
      continue;
    }
    const auto read = reader.record(key->id, row.value, true);
    const auto blob = read ? store::parse_blob_key(reader.blob()) : Result<store::BlobId>(fail(read.error()));
    if (!blob) {
      const std::string name = key->id.text();
      log::error("a queued message cannot be read", {{"msg", name}, {"error", blob.error().text}});
      continue;
    }
    count(1, reader.recipients(), reader.text().held ? 1 : 0, static_cast<std::int64_t>(reader.body()));
    // A message this large may have begun to move to `waiting` in several batches.
    if (reader.recipients() > kPageRecipients) {
      GODWIT_CO_TRY(co_await erase_leftovers(key->id, Keyspace::waiting));
    }
    if (may_be_torn(key->id, *blob) || found.proven++ < kProvenExamined) found.unproven.push_back(key->id);
  }
  co_return Result<void>();
}

Task<Result<void>> Queue::Impl::examine(const Message& message, Found& found) {
  auto size = co_await blobs.size(message.blob);
  if (size) co_return Result<void>();
  const Error::Cause cause = size.error().cause;
  if (cause != Error::Cause::not_found && cause != Error::Cause::corrupt) co_return std::unexpected(std::move(size).error());
  const bool missing = cause == Error::Cause::not_found;
  found.suspects.push_back({message.id, missing, fmt::format("its bytes are {}: {}", missing ? "missing" : "damaged", size.error().text)});
  co_return Result<void>();
}

Task<Result<void>> Queue::Impl::erase_leftovers(MessageId id, Keyspace keyspace) {
  const std::string from = page_key(id, 0);
  const std::string to = page_key(id, 0xffff);
  auto view = engine.read(partition_of(id));
  store::ScanLimit one;
  one.rows = 1;
  GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(keyspace, from, to, one));
  if (page.rows.empty()) co_return Result<void>();
  Batch rows = batch(Durability::lazy);
  rows.erase_range(keyspace, from, to);
  const store::WriteDone done = co_await engine.write(partition_of(id), std::move(rows));
  const std::string name = id.text();
  log::info("recipients of an unfinished write removed", {{"msg", name}});
  co_return store::as_result(done, "removing rows of an unfinished write");
}

// A row that its accept alone has written may stand there without its bytes: both were on their way when the power went. Not if
// a sync mark vouches for the bytes; nor if a start, which sees the disk as the power left it, has looked at the message before.
bool Queue::Impl::may_be_torn(MessageId id, store::BlobId blob) const { return id.time() >= settled_before && !blobs.was_synced(blob); }

// No more than what the last run wrote behind its last sync mark, however many are queued.
Task<Result<void>> Queue::Impl::examine_unproven(Found& found) {
  for (const MessageId id : found.unproven) {
    auto view = engine.read(partition_of(id));
    auto message = co_await load(*view, id);
    if (!message && message.error().kind == Error::Kind::temporary) co_return std::unexpected(std::move(message).error());
    if (!message || !*message) continue;  // what cannot be read is in the log, and keeps nobody else waiting
    GODWIT_CO_TRY(co_await examine(**message, found));
  }
  co_return Result<void>();
}

Task<Result<bool>> Queue::Impl::count_waiting(Shard shard, Found& found) {
  std::string from;
  bool any = false;
  while (true) {
    auto view = engine.read(store::kFirstShardPartition + shard);
    GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(Keyspace::due, from, std::string()));
    for (const store::Row& row : page.rows) {
      GODWIT_CO_ASSIGN(const DueValue value, decode_due(row.value));
      if (value.as_accepted) {
        GODWIT_CO_ASSIGN(const DueKey key, parse_due_key(row.key));
        if (may_be_torn(key.id, *value.as_accepted)) found.unproven.push_back(key.id);
      }
      count(1, value.pending, value.held ? 1 : 0, static_cast<std::int64_t>(value.size));
      any = true;
    }
    if (!page.next) co_return any;
    from = *page.next;
  }
}

Task<Result<void>> Queue::Impl::remove_unacknowledged(const Message& message, std::string_view why) {
  const std::string name = message.id.text();
  const std::string what = describe(message);
  log::warning("removed a message whose bytes never reached the disk; its sender was not told that it is kept",
               {{"msg", name}, {"envelope", what}, {"session", message.session}, {"error", why}});
  Batch rows = batch(Durability::durable);
  erase_rows(rows, message.id, message.rows);
  const store::WriteDone done = co_await engine.write(partition_of(message.id), std::move(rows));
  GODWIT_CO_TRY(store::as_result(done, "removing a message without bytes"));
  count(-1, -static_cast<std::int64_t>(message.rows.pending), message.rows.held ? -1 : 0, -static_cast<std::int64_t>(message.size));
  blobs.drop(message.blob);
  co_return Result<void>();
}

namespace {

Task<Result<void>> look_at(std::string_view /*piece*/) { co_return Result<void>(); }

}  // namespace

// Records that recovery of the bytes found damaged and whose header still tells the message. Such a record may also be a copy
// that compaction had begun: the message goes only when its own bytes cannot be read.
Task<Result<void>> Queue::settle_damage() {
  for (const store::BlobDamage& damage : impl_->blobs.damage()) {
    if (damage.owner == 0 || !impl_->shards[MessageId{damage.owner}.shard()].used) continue;
    GODWIT_CO_ASSIGN(auto message, co_await load({damage.owner}));
    if (!message || (damage.id.valid() && message->blob != damage.id)) continue;
    if (message->held && !only_accepted(*message)) continue;
    auto readable = co_await store::copy_blob(impl_->blobs, message->blob, look_at);
    if (readable) continue;
    if (readable.error().kind == Error::Kind::temporary) co_return std::unexpected(std::move(readable).error());
    std::string why = fmt::format("its bytes are damaged at {}: {}", damage.where, damage.what);
    if (!damage.acknowledged && only_accepted(*message) && impl_->may_be_torn(message->id, message->blob)) {
      GODWIT_CO_TRY(co_await impl_->remove_unacknowledged(*message, why));
    } else {
      GODWIT_CO_TRY(co_await hold_at_start(*std::move(message), std::move(why)));
    }
  }
  co_return Result<void>();
}

Task<Result<void>> Queue::settle_crash(std::filesystem::path file) {
  GODWIT_CO_ASSIGN(impl_->crash_note, CrashNote::open(file));
  const std::optional<MessageId> id = impl_->crash_note->left();
  if (!id) co_return Result<void>();
  GODWIT_CO_ASSIGN(auto message, co_await load(*id));
  if (message) {
    ++message->crashes;
    const std::string name = id->text();
    log::error("the server crashed while it worked on this message", {{"msg", name}, {"times", message->crashes}});
    if (message->crashes >= 2 && !message->held) {
      const std::string why = fmt::format("the server crashed {} times while it worked on it", message->crashes);
      GODWIT_CO_TRY(co_await hold_at_start(*std::move(message), why));
    } else {
      GODWIT_CO_TRY(co_await update(*message, {}));
    }
  }
  co_return impl_->crash_note->clear();
}

Task<Result<void>> Queue::hold_at_start(Message message, std::string why) {
  const std::string name = message.id.text();
  const std::string what = describe(message);
  log::error("a message is held", {{"msg", name}, {"envelope", what}, {"error", why}});
  message.held = true;
  message.held_because = std::move(why);
  co_return co_await update(message, {});
}

}  // namespace godwit::queue
