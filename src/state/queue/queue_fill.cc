// After a start: the catalogue is read from the rows, in the background.

#include <functional>
#include <optional>
#include <utility>

#include "base/log.h"
#include "state/queue/card_reader.h"
#include "state/queue/queue_impl.h"
#include "state/queue/record.h"

namespace godwit::queue {

using store::Keyspace;

namespace {

// Small enough that nobody else on the loop waits for it.
constexpr std::size_t kFillRows = 500;
constexpr Duration kFillAgain = std::chrono::seconds(1);

// Rows of a keyspace, in order, become cards.
class CardMaker {
 public:
  CardMaker(Catalogue& into, Keyspace keyspace, std::function<bool(MessageId)> in_accept)
      : into_(into), fresh_(keyspace == Keyspace::fresh), in_accept_(std::move(in_accept)) {}

  void add(const store::Row& row) {
    if (const auto added = try_add(row); !added) log::error("a queued message cannot be read", {{"error", added.error().text}});
  }
  bool open() const { return open_; }
  bool wants_pages() const { return open_ && reader_.wants_pages(); }
  void close() {
    if (std::exchange(open_, false) && !(fresh_ && in_accept_(reader_.id()))) into_.put_read(reader_.text());
  }

 private:
  Result<void> try_add(const store::Row& row) {
    GODWIT_ASSIGN(const RowKey key, parse_row_key(row.key));
    if (key.page != 0) {
      if (key.id != reader_.id() || !wants_pages()) return {};
      return reader_.page(row.value);
    }
    close();
    GODWIT_TRY(reader_.record(key.id, row.value, fresh_));
    open_ = true;
    if (!reader_.wants_pages()) close();
    return {};
  }

  Catalogue& into_;
  const bool fresh_;
  const std::function<bool(MessageId)> in_accept_;
  CardReader reader_;
  bool open_ = false;
};

}  // namespace

Catalogue& Queue::catalogue(std::size_t loop) { return impl_->catalogues.at(loop); }
const Catalogue& Queue::catalogue(std::size_t loop) const { return impl_->catalogues.at(loop); }
std::size_t Queue::loops() const { return impl_->catalogues.size(); }

// A page may end within a message. Until its last page has come, what goes is remembered (Catalogue::begin_read()).
Task<Result<void>> Queue::Impl::fill_shard(Shard shard, Keyspace keyspace, const std::function<bool()>& stop) {
  Catalogue& into = catalogue_of({std::uint64_t{shard} << 13});
  CardMaker maker(into, keyspace, [this](MessageId id) { return in_accept(id); });
  std::string from;
  store::ScanLimit limit;
  limit.rows = kFillRows;
  into.begin_read();
  while (!stop()) {
    auto view = engine.read(store::kFirstShardPartition + shard);
    auto page = co_await view->scan(keyspace, from, std::string(), limit);
    if (!page) {
      into.end_read();
      co_return std::unexpected(std::move(page).error());
    }
    for (const store::Row& row : page->rows) maker.add(row);
    if (!page->next) break;
    from = *std::move(page->next);
    if (!maker.open()) {
      into.end_read();
      into.begin_read();
    }
    co_await yield_loop();
  }
  if (!stop()) maker.close();
  into.end_read();
  co_return Result<void>();
}

// Only the blocks of this one message are read. If its recipients cannot be, it has a card by those of its record.
Task<Result<void>> Queue::Impl::fill_one(MessageId id) {
  auto view = engine.read(partition_of(id));
  GODWIT_CO_ASSIGN(const std::optional<store::Row> record, co_await view->get(Keyspace::waiting, message_key(id)));
  if (!record) co_return Result<void>();
  CardMaker maker(catalogue_of(id), Keyspace::waiting, {});
  maker.add(*record);
  std::optional<std::string> from = page_key(id, 1);
  const std::string to = message_key({id.value + 1});
  Result<void> result;
  while (from && maker.wants_pages()) {
    auto page = co_await view->scan(Keyspace::waiting, *from, to);
    if (!page) {
      if (page.error().kind == Error::Kind::temporary) co_return std::unexpected(std::move(page).error());
      result = std::unexpected(std::move(page).error());
      break;
    }
    for (const store::Row& row : page->rows) maker.add(row);
    from = std::move(page->next);
  }
  maker.close();
  co_return result;
}

// A table of `waiting` is damaged somewhere: what the index names is read message by message, and what cannot be is passed over.
Task<> Queue::Impl::fill_by_index(Shard shard, const std::function<bool()>& stop) {
  Catalogue& into = catalogue_of({std::uint64_t{shard} << 13});
  std::optional<std::string> from = std::string();
  store::ScanLimit limit;
  limit.rows = kFillRows;
  while (from && !stop()) {
    auto view = engine.read(store::kFirstShardPartition + shard);
    auto page = co_await view->scan(Keyspace::due, *from, std::string(), limit);
    if (!page) {
      log::error("the queue could not be read", {{"what", "index"}, {"shard", shard}, {"error", page.error().text}});
      if (page.error().kind == Error::Kind::permanent) co_return;
      co_await clock.sleep(kFillAgain);
      continue;
    }
    for (const store::Row& row : page->rows) {
      const auto key = parse_due_key(row.key);
      while (key && !stop() && into.find(key->id) == nullptr) {
        into.begin_read();
        const auto read = co_await fill_one(key->id);
        into.end_read();
        if (read) break;
        const std::string name = key->id.text();
        log::error("a queued message cannot be read", {{"msg", name}, {"error", read.error().text}});
        if (read.error().kind == Error::Kind::permanent) break;
        co_await clock.sleep(kFillAgain);
      }
    }
    from = std::move(page->next);
    co_await yield_loop();
  }
}

// Fresh ones of all shards first: they are due. A message that goes from `fresh` to `waiting` meanwhile gets its card as that is written.
Task<> Queue::fill(std::size_t loop, std::function<bool()> stop) {
  Catalogue& into = impl_->catalogues.at(loop);
  if (into.complete()) co_return;
  const auto shards = used_shards();
  for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting}) {
    for (const Shard shard : shards) {
      while (shard % impl_->catalogues.size() == loop && !stop()) {
        const auto filled = co_await impl_->fill_shard(shard, keyspace, stop);
        if (filled) break;
        log::error("the queue could not be read", {{"what", "catalogue"}, {"shard", shard}, {"error", filled.error().text}});
        if (filled.error().kind == Error::Kind::permanent) {
          if (keyspace == Keyspace::waiting) co_await impl_->fill_by_index(shard, stop);
          break;  // one damaged table does not keep back the mail of the others
        }
        co_await impl_->clock.sleep(kFillAgain);
      }
    }
  }
  if (!stop()) into.set_complete();
}

}  // namespace godwit::queue
