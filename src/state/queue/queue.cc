#include "state/queue/queue.h"

#include <algorithm>
#include <functional>

#include "base/log.h"
#include "base/metrics.h"
#include "state/queue/queue_impl.h"
#include "state/queue/record.h"

namespace godwit::queue {

using store::Batch;
using store::Keyspace;
using Durability = store::Batch::Durability;

namespace {

// A batch may hold 1 MiB; pages of a very large message go before the rest in batches of half that.
constexpr std::size_t kSplitAt = 512 * 1024;

class InAccept {
 public:
  InAccept(ShardState& shard, MessageId id) : shard_(shard), id_(id.value) {
    const std::lock_guard lock(shard_.mutex);
    shard_.in_accept.push_back(id_);
  }
  ~InAccept() {
    const std::lock_guard lock(shard_.mutex);
    std::erase(shard_.in_accept, id_);
  }
  InAccept(const InAccept&) = delete;
  InAccept& operator=(const InAccept&) = delete;

 private:
  ShardState& shard_;
  std::uint64_t id_;
};

// The row's write, under way beside the sync of the bytes.
struct RowWrite {
  std::optional<store::WriteDone> done;
  Resume<bool> waiter;
};

Task<> write_beside(Task<store::WriteDone> write, std::shared_ptr<RowWrite> state) {
  state->done = co_await std::move(write);
  if (state->waiter) std::exchange(state->waiter, {})(true);
}

std::uint64_t digest(std::string_view bytes) { return std::hash<std::string_view>()(bytes); }

WallTime due_time(const Message& message) {
  WallTime due = kNever;
  if (message.held) return due;
  for (const Recipient& recipient : message.recipients)
    if (recipient.state == Recipient::State::pending) due = std::min(due, recipient.next_attempt);
  return due;
}

}  // namespace

Queue::Queue(store::Engine& engine, store::Blobs& blobs, Clock& clock) : impl_(std::make_unique<Impl>(engine, blobs, clock)) {}
Queue::~Queue() = default;

Batch Queue::Impl::batch(Durability durability) const {
  Batch batch;
  batch.durability = durability;
  batch.fence(std::string(kLease), epoch);
  return batch;
}

void Queue::Impl::count(std::int64_t message, std::int64_t pending, std::int64_t holds, std::int64_t size) {
  static metrics::Gauge& all_messages = metrics::gauge("godwit_queue_messages", "Messages in the queue");
  static metrics::Gauge& all_recipients = metrics::gauge("godwit_queue_recipients", "Recipients that are pending");
  static metrics::Gauge& all_held = metrics::gauge("godwit_queue_held", "Messages that are held");
  static metrics::Gauge& all_bytes = metrics::gauge("godwit_queue_bytes", "Bytes of the messages in the queue");
  all_messages.add(message);
  all_recipients.add(pending);
  all_held.add(holds);
  all_bytes.add(size);
  messages.fetch_add(message, std::memory_order_relaxed);
  recipients.fetch_add(pending, std::memory_order_relaxed);
  held.fetch_add(holds, std::memory_order_relaxed);
  bytes.fetch_add(size, std::memory_order_relaxed);
}

bool Queue::Impl::in_accept(MessageId id) {
  ShardState& shard = shards[id.shard()];
  const std::lock_guard lock(shard.mutex);
  return std::ranges::find(shard.in_accept, id.value) != shard.in_accept.end();
}

MessageId Queue::next_id(std::size_t loop) {
  const MessageId id = impl_->sources.at(loop).next();
  GODWIT_CHECK(id.time() < impl_->floor.floor());
  return id;
}

Task<Result<void>> Queue::renew_id_floor() { return impl_->floor.renew({}); }

Queue::Totals Queue::totals() const {
  const auto value = [](const std::atomic<std::int64_t>& counter) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, counter.load(std::memory_order_relaxed)));
  };
  return {value(impl_->messages), value(impl_->recipients), value(impl_->held), value(impl_->bytes)};
}

Task<Result<void>> Queue::accept(Message& message, store::BlobWriter& body) {
  if (const auto rules = this->rules(); !message.held) {
    if (const Rule* rule = rules->holds_new(message)) {
      message.held = true;
      message.held_because = rule->why.empty() ? "a rule holds new mail: " + rule->text() : rule->why;
    }
  }
  message.rows = waits_from_accept(message) ? rows_of_held(message) : rows_of_fresh(message);
  const InAccept in_accept(impl_->shards[message.id.shard()], message.id);
  if (impl_->floor.is_near(message.id.time())) {
    GODWIT_CO_TRY(co_await impl_->floor.renew(message.id.time()));
  }
  auto kept = co_await impl_->keep(message, body);
  Catalogue& catalogue = impl_->catalogue_of(message.id);
  if (!kept) {
    catalogue.erase(message.id);  // fill() may have seen its row
    co_return kept;
  }
  impl_->count(1, message.rows.pending, message.held ? 1 : 0, static_cast<std::int64_t>(message.size));
  catalogue.put(message, message.held ? kNever : WallTime(), !message.rows.waiting);
  co_return kept;
}

// Rows and bytes side by side: one after the other would cost a second sync's time.
Task<Result<void>> Queue::Impl::keep(const Message& message, store::BlobWriter& body) {
  auto record = encode_record(message);
  std::vector<std::pair<std::string, std::string>> pages;
  for (std::uint32_t page = 1; record && page < page_count(message.recipients.size()); ++page) {
    auto value = encode_page(message, page);
    if (value)
      pages.emplace_back(page_key(message.id, page), *std::move(value));
    else
      record = std::unexpected(std::move(value).error());
  }
  if (!record) {
    blobs.drop(message.blob);
    co_return std::unexpected(std::move(record).error());
  }
  auto executor = co_await this_executor();
  auto state = std::make_shared<RowWrite>();
  Task<store::WriteDone> write;
  if (message.rows.waiting)
    write = write_held(message.id, *std::move(record), encode_due({message.rows.pending, message.size, true, message.blob}));
  else
    write = write_fresh(message.id, std::move(pages), *std::move(record));
  net::spawn(executor, row_writes, "queue row", write_beside(std::move(write), state));
  auto synced = co_await body.synced();
  if (!state->done) {
    co_await suspend<bool>([&state](Resume<bool> resume) { state->waiter = std::move(resume); });
  }
  auto written = store::as_result(*state->done, "keeping a message");
  if (synced && written) co_return Result<void>();
  // A refused message must not turn up after a restart: its sender sends it again.
  auto taken_back = co_await take_back(message);
  if (!taken_back) {
    const std::string name = message.id.text();
    log::error("a refused message could not be erased and may be delivered after a restart",
               {{"msg", name}, {"error", taken_back.error().text}});
  }
  co_return synced ? std::move(written) : std::move(synced);
}

// The pages first, the record last: it is the commit point, and a durable write covers what its partition got before.
Task<store::WriteDone> Queue::Impl::write_fresh(MessageId id, std::vector<std::pair<std::string, std::string>> pages, std::string record) {
  Batch rows = batch(Durability::lazy);
  rows.refuse_when_full = true;
  for (auto& [key, value] : pages) {
    rows.put(Keyspace::fresh, std::move(key), std::move(value));
    if (rows.bytes() < kSplitAt) continue;
    const store::WriteDone done = co_await engine.write(partition_of(id), std::move(rows));
    if (!done.ok()) co_return done;
    rows = batch(Durability::lazy);
    rows.refuse_when_full = true;
  }
  rows.put(Keyspace::fresh, message_key(id), std::move(record));
  rows.durability = Durability::durable;
  co_return co_await engine.write(partition_of(id), std::move(rows));
}

// The index row names the blob: should a power cut take the bytes, the start finds the message by it.
Task<store::WriteDone> Queue::Impl::write_held(MessageId id, std::string record, std::string index) {
  Batch rows = batch(Durability::durable);
  rows.refuse_when_full = true;
  rows.put(Keyspace::waiting, message_key(id), std::move(record));
  rows.put(Keyspace::due, due_key(kNever, id), std::move(index));
  co_return co_await engine.write(partition_of(id), std::move(rows));
}

Task<Result<void>> Queue::Impl::take_back(const Message& message) {
  Batch rows = batch(Durability::durable);
  erase_rows(rows, message.id, message.rows);
  const store::WriteDone done = co_await engine.write(partition_of(message.id), std::move(rows));
  if (done.ok()) blobs.drop(message.blob);
  co_return store::as_result(done, "taking back a message");
}

// An owner may be written before the queue's own reference goes, never after; more than fit into one batch go ahead.
Task<store::WriteDone> Queue::Impl::put_owners(Batch& rows, MessageId id, std::vector<Handover> owners) {
  store::WriteDone done;
  done.outcome = store::WriteOutcome::ok;
  for (Handover& owner : owners) {
    rows.put(Keyspace::blob_refs, std::move(owner.blob_ref_key), {});
    if (rows.bytes() < kSplitAt) continue;
    done = co_await engine.write(partition_of(id), std::move(rows));
    if (!done.ok()) co_return done;
    rows = batch(Durability::lazy);
  }
  co_return done;
}

void Queue::Impl::erase_rows(Batch& rows, MessageId id, const Message::Rows& where) const {
  const Keyspace keyspace = where.waiting ? Keyspace::waiting : Keyspace::fresh;
  rows.erase(keyspace, message_key(id));
  for (std::uint32_t page = 1; page < where.pages; ++page) rows.erase(keyspace, page_key(id, page));
  if (where.waiting) rows.erase(Keyspace::due, due_key(where.due, id));
}

Task<Result<void>> Queue::complete(const Message& message, std::vector<Handover> owners) {
  const bool owned = message.rows.handed_over || !owners.empty();
  Batch rows = impl_->batch(Durability::lazy);
  if (!owners.empty()) {
    const store::WriteDone ahead = co_await impl_->put_owners(rows, message.id, std::move(owners));
    GODWIT_CO_TRY(store::as_result(ahead, "completing a message"));
  }
  impl_->erase_rows(rows, message.id, message.rows);
  const store::WriteDone done = co_await impl_->engine.write(partition_of(message.id), std::move(rows));
  GODWIT_CO_TRY(store::as_result(done, "completing a message"));
  if (!owned) impl_->blobs.drop(message.blob);
  impl_->catalogue_of(message.id).erase(message.id);
  impl_->count(-1, -static_cast<std::int64_t>(message.rows.pending), message.rows.held ? -1 : 0, -static_cast<std::int64_t>(message.size));
  co_return Result<void>();
}

Task<Result<void>> Queue::update(Message& message, std::vector<Handover> owners, bool lazy) {
  const Message::Rows before = message.rows;
  message.rows.waiting = true;
  message.rows.as_accepted = false;
  message.rows.handed_over = before.handed_over || !owners.empty();
  message.rows.held = message.held;
  message.rows.pending = pending_recipients(message);
  message.rows.pages = page_count(message.recipients.size());
  message.rows.due = due_time(message);
  message.rows.digests.assign(message.rows.pages, 0);
  const store::WriteDone done =
      co_await impl_->write_waiting(message, before, std::move(owners), lazy ? Durability::lazy : Durability::durable);
  auto written = store::as_result(done, "updating a message");
  if (!written) {
    message.rows = before;
    co_return written;
  }
  impl_->count(0, static_cast<std::int64_t>(message.rows.pending) - before.pending, int{message.rows.held} - int{before.held}, 0);
  impl_->catalogue_of(message.id).put(message, message.rows.due, false);
  co_return written;
}

// Owners, then the pages that have changed, then the record with the index row: whatever is cut off in between, each page is
// true by itself, and the record and the index agree.
Task<store::WriteDone> Queue::Impl::write_waiting(Message& message, Message::Rows before, std::vector<Handover> owners,
                                                  Durability durability) {
  Batch rows = batch(Durability::lazy);
  const store::Partition partition = partition_of(message.id);
  store::WriteDone done = co_await put_owners(rows, message.id, std::move(owners));
  if (!done.ok()) co_return done;
  std::vector<std::uint64_t>& digests = message.rows.digests;
  for (std::uint32_t page = message.rows.pages; page-- > 0;) {
    auto value = page == 0 ? encode_record(message) : encode_page(message, page);
    GODWIT_CHECK(value);  // it has fitted before, and what grows is cut
    digests[page] = digest(*value);
    if (page < before.digests.size() && before.digests[page] == digests[page]) continue;
    rows.put(Keyspace::waiting, page == 0 ? message_key(message.id) : page_key(message.id, page), *std::move(value));
    if (page == 0 || rows.bytes() < kSplitAt) continue;
    done = co_await engine.write(partition, std::move(rows));
    if (!done.ok()) co_return done;
    rows = batch(Durability::lazy);
  }
  if (!before.waiting)
    erase_rows(rows, message.id, before);
  else if (before.due != message.rows.due)
    rows.erase(Keyspace::due, due_key(before.due, message.id));
  rows.put(Keyspace::due, due_key(message.rows.due, message.id), encode_due({message.rows.pending, message.size, message.rows.held}));
  rows.durability = durability;
  co_return co_await engine.write(partition, std::move(rows));
}

Task<Result<void>> Queue::sync() { return impl_->engine.sync(); }

}  // namespace godwit::queue
