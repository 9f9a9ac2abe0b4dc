#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "state/queue/queue_impl.h"
#include "state/queue/record.h"

namespace godwit::queue {

using store::Keyspace;

namespace {

std::string key_behind(std::optional<MessageId> after) {
  if (!after) return {};
  return after->value == UINT64_MAX ? std::string(9, '\xff') : message_key({after->value + 1});
}

void settle_rows(Message& message, Keyspace keyspace) {
  Message::Rows rows = rows_of_fresh(message);
  rows.handed_over = message.rows.handed_over;
  rows.due = message.rows.due;
  rows.waiting = keyspace == Keyspace::waiting;
  rows.as_accepted = rows.waiting && message.rows.as_accepted;
  message.rows = std::move(rows);
}

// Puts messages together from the rows of a scan: a record, then its pages.
class Assembler {
 public:
  Assembler(Keyspace keyspace, std::size_t limit) : keyspace_(keyspace), limit_(limit) {}

  // false: there is one message more than wanted.
  bool add(const store::Row& row) {
    const auto key = parse_row_key(row.key);
    if (!key) return report("?", key.error());
    if (key->page != 0) return add_page(*key, row);
    finish();
    if (done_.size() == limit_) return false;
    auto decoded = decode_record(key->id, row.value);
    if (!decoded) return report(key->id.text(), decoded.error());
    current_ = std::move(decoded->message);
    wanted_ = decoded->recipients;
    note_digest(row.value);
    return true;
  }

  // The last message has recipients in pages that have not come yet.
  bool wants_pages() const { return current_ && current_->recipients.size() < wanted_; }

  std::vector<Message> take() {
    finish();
    return std::move(done_);
  }

 private:
  bool add_page(const RowKey& key, const store::Row& row) {
    // What has no record is garbage of an unfinished accept; pages beyond the record's count are left of an unfinished update.
    if (!wants_pages() || current_->id != key.id) return true;
    if (auto decoded = decode_page(row.value, *current_); !decoded) return report(key.id.text(), decoded.error());
    note_digest(row.value);
    return true;
  }

  void note_digest(std::string_view value) {
    if (keyspace_ == Keyspace::waiting) digests_.push_back(std::hash<std::string_view>()(value));
  }

  void finish() {
    if (!current_) return;
    if (current_->recipients.size() < wanted_) {
      const std::string name = current_->id.text();
      log::error("recipients of a queued message are missing", {{"msg", name}, {"found", current_->recipients.size()}, {"of", wanted_}});
    }
    settle_rows(*current_, keyspace_);
    current_->rows.digests = std::move(digests_);
    digests_.clear();
    done_.push_back(*std::move(current_));
    current_.reset();
  }

  static bool report(const std::string& name, const Error& error) {
    log::error("a queued message cannot be read", {{"msg", name}, {"error", error.text}});
    return true;
  }

  Keyspace keyspace_;
  std::size_t limit_;
  std::size_t wanted_ = 0;
  std::optional<Message> current_;
  std::vector<std::uint64_t> digests_;
  std::vector<Message> done_;
};

}  // namespace

Task<Result<std::vector<Message>>> Queue::Impl::scan(store::View& view, Keyspace keyspace, std::optional<MessageId> after,
                                                     std::size_t limit) {
  Assembler assembler(keyspace, limit);
  std::string from = key_behind(after);
  store::ScanLimit page_limit;
  page_limit.rows = std::min<std::size_t>(limit + 1, 1'000);
  while (true) {
    GODWIT_CO_ASSIGN(const store::Page page, co_await view.scan(keyspace, from, std::string(), page_limit));
    for (const store::Row& row : page.rows)
      if (!assembler.add(row)) co_return assembler.take();
    if (!page.next) co_return assembler.take();
    from = *page.next;
  }
}

Task<Result<std::vector<Message>>> Queue::fresh(Shard shard, std::optional<MessageId> after, std::size_t limit) {
  std::vector<Message> found;
  while (found.size() < limit) {
    auto view = impl_->engine.read(store::kFirstShardPartition + shard);
    const std::size_t wanted = limit - found.size();
    GODWIT_CO_ASSIGN(auto messages, co_await impl_->scan(*view, Keyspace::fresh, after, wanted));
    const bool last = messages.size() < wanted;
    if (!messages.empty()) after = messages.back().id;
    for (Message& message : messages)
      if (!impl_->in_accept(message.id)) found.push_back(std::move(message));
    if (last) break;
  }
  co_return found;
}

Task<Result<Queue::Due>> Queue::due(Shard shard, WallTime until, std::size_t limit, std::optional<DueEntry> after) {
  auto view = impl_->engine.read(store::kFirstShardPartition + shard);
  std::string from;
  if (after) from = due_key(after->due, after->id) + '\0';
  const std::string never = due_key(kNever, {});
  Due result;
  while (true) {
    store::ScanLimit page_limit;
    page_limit.rows = limit - result.entries.size() + 1;
    GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(Keyspace::due, from, never, page_limit));
    for (const store::Row& row : page.rows) {
      GODWIT_CO_ASSIGN(const DueKey key, parse_due_key(row.key));
      if (key.due > until || result.entries.size() == limit) {
        result.next = key.due;
        co_return result;
      }
      result.entries.push_back({key.due, key.id});
    }
    if (!page.next) co_return result;
    from = *page.next;
  }
}

Task<Result<std::optional<Message>>> Queue::Impl::load(store::View& view, MessageId id) {
  for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting}) {
    GODWIT_CO_ASSIGN(const std::optional<store::Row> row, co_await view.get(keyspace, message_key(id)));
    if (!row) continue;
    Assembler assembler(keyspace, 1);
    assembler.add(*row);
    std::optional<std::string> from;
    if (assembler.wants_pages()) from = page_key(id, 0);
    const std::string to = key_behind(id);
    while (from) {
      GODWIT_CO_ASSIGN(const store::Page page, co_await view.scan(keyspace, *from, to));
      for (const store::Row& each : page.rows) assembler.add(each);
      from = page.next;
    }
    auto found = assembler.take();
    if (found.empty()) co_return fail(Error::permanent(Error::Cause::corrupt, "the rows of this message cannot be read; see the log"));
    co_return std::optional<Message>(std::move(found.front()));
  }
  co_return std::optional<Message>();
}

Task<Result<std::optional<Message>>> Queue::load(MessageId id) {
  if (impl_->in_accept(id)) co_return std::optional<Message>();
  auto view = impl_->engine.read(partition_of(id));
  co_return co_await impl_->load(*view, id);
}

Task<Result<std::vector<Message>>> Queue::list(std::optional<MessageId> after, std::size_t limit) {
  std::vector<Message> all;
  for (const Shard shard : used_shards()) {
    auto view = impl_->engine.read(store::kFirstShardPartition + shard);  // one snapshot: a message is in one of the two
    for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting}) {
      GODWIT_CO_ASSIGN(auto messages, co_await impl_->scan(*view, keyspace, after, limit));
      std::ranges::move(messages, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &Message::id);
    if (all.size() > limit) all.resize(limit);
  }
  std::erase_if(all, [this](const Message& message) { return impl_->in_accept(message.id); });
  co_return all;
}

}  // namespace godwit::queue
