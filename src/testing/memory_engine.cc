#include "testing/memory_engine.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::testing {

using store::Batch;
using store::Direction;
using store::Keyspace;
using store::kKeyspaces;
using store::Page;
using store::Partition;
using store::Row;
using store::ScanLimit;
using store::WriteDone;
using store::WriteOutcome;

namespace {

std::size_t index_of(Keyspace keyspace) { return static_cast<std::size_t>(keyspace); }

Error crashed_error() { return Error::temporary(Error::Cause::io, "the memory engine has crashed"); }

std::int64_t read_sum(const std::string& value) {
  GODWIT_CHECK(value.size() == 8);
  return static_cast<std::int64_t>(read_be64(value));
}

}  // namespace

class MemoryView final : public store::View {
 public:
  MemoryView(MemoryEngine& engine, MemoryEngine::Tables tables) : engine_(engine), tables_(std::move(tables)) {}
  ~MemoryView() override {
    const std::scoped_lock lock(engine_.mutex_);
    for (auto& table : tables_) table.reset();
  }

  Task<Result<std::optional<Row>>> get(Keyspace keyspace, std::string key) override {
    if (engine_.crashed()) co_return fail(crashed_error());
    const auto& table = *tables_[index_of(keyspace)];
    const auto at = table.find(key);
    if (at == table.end()) co_return std::optional<Row>();
    co_return std::optional<Row>(std::in_place, at->first, at->second.value, at->second.version);
  }

  Task<Result<Page>> scan(Keyspace keyspace, std::string from, std::string to, ScanLimit limit, Direction direction) override {
    if (engine_.crashed()) co_return fail(crashed_error());
    GODWIT_CHECK(limit.rows > 0);
    const auto& table = *tables_[index_of(keyspace)];
    if (!to.empty() && to <= from) co_return Page{};
    const auto begin = table.lower_bound(from);
    const auto end = to.empty() ? table.end() : table.lower_bound(to);
    if (direction == Direction::forward) co_return collect(begin, end, limit, [](const auto& unread) { return unread->first; });
    auto reverse_begin = std::make_reverse_iterator(end);
    auto reverse_end = std::make_reverse_iterator(begin);
    co_return collect(reverse_begin, reverse_end, limit, [](const auto& unread) { return std::prev(unread)->first; });
  }

 private:
  template <class Iterator, class Resume>
  static Page collect(Iterator at, Iterator end, ScanLimit limit, Resume resume) {
    Page page;
    std::size_t bytes = 0;
    for (; at != end; ++at) {
      bytes += at->first.size() + at->second.value.size();
      if (page.rows.size() == limit.rows || (!page.rows.empty() && bytes > limit.bytes)) {
        page.next = resume(at);
        break;
      }
      page.rows.push_back({at->first, at->second.value, at->second.version});
    }
    return page;
  }

  MemoryEngine& engine_;
  MemoryEngine::Tables tables_;
};

MemoryEngine::MemoryEngine() = default;
MemoryEngine::~MemoryEngine() = default;

std::unique_ptr<store::View> MemoryEngine::read(Partition partition) {
  const std::scoped_lock lock(mutex_);
  return std::make_unique<MemoryView>(*this, part(partition).tables);
}

Task<WriteDone> MemoryEngine::write(Partition partition, Batch batch) {
  store::check_limits(batch);
  co_return co_await suspend<WriteDone>(
      [&](Resume<WriteDone> resume) { arrive(partition, std::optional<Batch>(std::move(batch)), std::move(resume)); });
}

Task<Result<void>> MemoryEngine::sync() {
  const WriteDone done = co_await suspend<WriteDone>([&](Resume<WriteDone> resume) { arrive(0, std::nullopt, std::move(resume)); });
  co_return store::as_result(done, "syncing the memory engine");
}

bool MemoryEngine::full() const {
  const std::scoped_lock lock(mutex_);
  return full_;
}

void MemoryEngine::set_full(bool full) {
  const std::scoped_lock lock(mutex_);
  full_ = full;
}

void MemoryEngine::hold() {
  const std::scoped_lock lock(mutex_);
  holding_ = true;
}

void MemoryEngine::release(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  answer_held(count);
}

void MemoryEngine::release() {
  const std::scoped_lock lock(mutex_);
  holding_ = false;
  answer_held(held_.size());
}

std::size_t MemoryEngine::held() const {
  const std::scoped_lock lock(mutex_);
  return held_.size();
}

void MemoryEngine::crash(const Keep& keep) {
  const std::scoped_lock lock(mutex_);
  crashed_ = true;
  holding_ = false;
  failures_.clear();
  for (auto& [partition, part] : parts_) {
    std::size_t unsynced = part.unsynced.size();
    for (const auto& held : held_) unsynced += held.batch && held.partition == partition ? 1 : 0;
    std::size_t kept = unsynced == 0 ? 0 : std::min(keep(partition, unsynced), unsynced);
    for (; part.unsynced.size() > kept; part.unsynced.pop_back()) roll_back(part, part.unsynced.back());
    kept -= part.unsynced.size();
    for (auto held = held_.begin(); held != held_.end() && kept > 0; ++held) {
      if (!held->batch || held->partition != partition) continue;
      Undo undo;
      ignore(apply(part, *held->batch, undo), "nobody hears of it");
      --kept;
    }
    part.unsynced.clear();
  }
  for (auto& held : held_) held.answer(WriteDone{});
  held_.clear();
}

void MemoryEngine::crash_forgetting_all() {
  crash([](Partition, std::size_t) { return std::size_t{0}; });
}

void MemoryEngine::crash_keeping_all() {
  crash([](Partition, std::size_t unsynced) { return unsynced; });
}

void MemoryEngine::crash_at_random(Random& random) {
  crash([&](Partition, std::size_t unsynced) { return static_cast<std::size_t>(random.below(unsynced + 1)); });
}

void MemoryEngine::restart() {
  const std::scoped_lock lock(mutex_);
  crashed_ = false;
  failures_.clear();
}

bool MemoryEngine::crashed() const {
  const std::scoped_lock lock(mutex_);
  return crashed_;
}

void MemoryEngine::fail_at(std::uint64_t n, Failure failure) {
  const std::scoped_lock lock(mutex_);
  failures_[writes_ + n] = failure;
}

void MemoryEngine::on_write(std::function<void(std::uint64_t)> call) {
  const std::scoped_lock lock(mutex_);
  on_write_ = std::move(call);
}

std::uint64_t MemoryEngine::writes() const {
  const std::scoped_lock lock(mutex_);
  return writes_;
}

std::size_t MemoryEngine::unsynced() const {
  const std::scoped_lock lock(mutex_);
  std::size_t count = 0;
  for (const auto& [partition, part] : parts_) count += part.unsynced.size();
  return count;
}

std::size_t MemoryEngine::rows(Keyspace keyspace) const {
  const std::scoped_lock lock(mutex_);
  std::size_t count = 0;
  for (const auto& [partition, part] : parts_) count += part.tables[index_of(keyspace)]->size();
  return count;
}

std::vector<Row> MemoryEngine::dump(Partition partition, Keyspace keyspace) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Row> rows;
  const auto found = parts_.find(partition);
  if (found == parts_.end()) return rows;
  for (const auto& [key, stored] : *found->second.tables[index_of(keyspace)]) rows.push_back({key, stored.value, stored.version});
  return rows;
}

MemoryEngine::Part& MemoryEngine::part(Partition partition) {
  auto [at, is_new] = parts_.try_emplace(partition);
  if (is_new) {
    for (auto& table : at->second.tables) table = std::make_shared<Table>();
  }
  return at->second;
}

void MemoryEngine::arrive(Partition partition, std::optional<Batch> batch, Resume<WriteDone> answer) {
  std::function<void(std::uint64_t)> on_write;
  std::uint64_t number = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (batch) number = ++writes_;
    on_write = on_write_;
  }
  if (on_write && batch) on_write(number);  // unlocked: it may crash() the engine

  const std::scoped_lock lock(mutex_);
  if (crashed_) return answer(WriteDone{});
  const auto planned = batch ? failures_.find(number) : failures_.end();
  if (planned != failures_.end()) {
    const Failure failure = planned->second;
    failures_.erase(planned);
    if (failure == Failure::full) return answer(WriteDone{WriteOutcome::full, {}, 0});
    if (failure == Failure::applied) ignore(commit(partition, batch), "the caller is told `unknown`");
    if (failure != Failure::hang) {
      crashed_ = true;
      return answer(WriteDone{});
    }
    holding_ = true;
  }
  part(partition);
  held_.push_back({partition, std::move(batch), std::move(answer)});
  if (!holding_) answer_held(held_.size());
}

void MemoryEngine::answer_held(std::size_t count) {
  for (; count > 0 && !held_.empty(); --count) {
    Held next = std::move(held_.front());
    held_.pop_front();
    next.answer(commit(next.partition, next.batch));
  }
}

WriteDone MemoryEngine::commit(Partition partition, const std::optional<Batch>& batch) {
  if (!batch) {
    for (auto& [other, part] : parts_) part.unsynced.clear();
    return {WriteOutcome::ok, {}, 0};
  }
  if (batch->refuse_when_full && full_) return {WriteOutcome::full, {}, 0};
  Part& home = part(partition);
  Undo undo;
  WriteDone done = apply(home, *batch, undo);
  if (!done.ok()) return done;
  home.unsynced.push_back(std::move(undo));
  if (batch->durability == Batch::Durability::durable) home.unsynced.clear();
  return done;
}

// One batch under way: each operation sees those before it.
struct MemoryEngine::Applying {
  Part& part;
  Undo& undo;
  WriteDone& done;

  const Stored* find(Keyspace keyspace, const std::string& key) const {
    const auto& table = *part.tables[index_of(keyspace)];
    const auto at = table.find(key);
    return at == table.end() ? nullptr : &at->second;
  }

  WriteOutcome operator()(const Batch::Put& put) const {
    set(part, put.keyspace, put.key, Stored{put.value, done.version}, &undo);
    return WriteOutcome::ok;
  }
  WriteOutcome operator()(const Batch::Erase& erase) const {
    set(part, erase.keyspace, erase.key, std::nullopt, &undo);
    return WriteOutcome::ok;
  }
  WriteOutcome operator()(const Batch::EraseRange& range) const {
    std::vector<std::string> keys;
    const auto& table = *part.tables[index_of(range.keyspace)];
    for (auto at = table.lower_bound(range.from); at != table.end() && (range.to.empty() || at->first < range.to); ++at)
      keys.push_back(at->first);
    for (const auto& key : keys) set(part, range.keyspace, key, std::nullopt, &undo);
    return WriteOutcome::ok;
  }
  WriteOutcome operator()(const Batch::Add& add) const {
    const Stored* row = find(add.keyspace, add.key);
    const auto before = row ? static_cast<std::uint64_t>(read_sum(row->value)) : 0;
    const std::uint64_t sum = before + static_cast<std::uint64_t>(add.delta);
    std::string value;
    append_be64(value, sum);
    set(part, add.keyspace, add.key, Stored{std::move(value), done.version}, &undo);
    done.sums.push_back(static_cast<std::int64_t>(sum));
    return WriteOutcome::ok;
  }
  WriteOutcome operator()(const Batch::Require& require) const {
    const Stored* row = find(require.keyspace, require.key);
    const bool holds = require.version ? row && row->version == *require.version : row == nullptr;
    return holds ? WriteOutcome::ok : WriteOutcome::conflict;
  }
  WriteOutcome operator()(const Batch::Fence& fence) const {
    const Stored* row = find(Keyspace::server, "lease/" + fence.lease);
    return row && static_cast<std::uint64_t>(read_sum(row->value)) == fence.epoch ? WriteOutcome::ok : WriteOutcome::fenced;
  }
};

WriteDone MemoryEngine::apply(Part& part, const Batch& batch, Undo& undo) {
  WriteDone done{WriteOutcome::ok, {}, ++last_version_};
  for (const auto& operation : batch.operations()) {
    const WriteOutcome outcome = std::visit(Applying{part, undo, done}, operation);
    if (outcome == WriteOutcome::ok) continue;
    roll_back(part, undo);
    undo.clear();
    return {outcome, {}, 0};
  }
  return done;
}

void MemoryEngine::set(Part& part, Keyspace keyspace, const std::string& key, std::optional<Stored> value, Undo* undo) {
  auto& shared = part.tables[index_of(keyspace)];
  if (shared.use_count() > 1) shared = std::make_shared<Table>(*shared);  // a view looks at it
  Table& table = *shared;
  const auto at = table.find(key);
  if (undo) undo->push_back({keyspace, key, at == table.end() ? std::nullopt : std::optional<Stored>(at->second)});
  if (value)
    table.insert_or_assign(key, *std::move(value));
  else if (at != table.end())
    table.erase(at);
}

void MemoryEngine::roll_back(Part& part, const Undo& undo) {
  for (auto change = undo.rbegin(); change != undo.rend(); ++change) set(part, change->keyspace, change->key, change->before, nullptr);
}

}  // namespace godwit::testing
