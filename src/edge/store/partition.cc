#include "edge/store/partition.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::store {
namespace {

std::uint32_t bit(Keyspace keyspace) { return 1u << static_cast<unsigned>(keyspace); }

std::optional<std::uint64_t> number_in(std::string_view value) {
  return value.size() == 8 ? std::optional(read_be64(value)) : std::nullopt;
}

// The keyspace that an operation changes; nothing for require and fence.
std::optional<Keyspace> written(const Batch::Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::optional<Keyspace> {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, Batch::Fence> || std::is_same_v<Op, Batch::Require>)
          return std::nullopt;
        else
          return op.keyspace;
      },
      operation);
}

}  // namespace

void Overlay::apply(const Batch::Operation& operation, const std::vector<std::int64_t>& sums, std::size_t& next_sum, RowVersion version,
                    const PendingWrite* by) {
  const std::uint64_t order = ++order_;
  const auto set = [&](Keyspace keyspace, std::string_view key, Lookup seen) {
    rows_.erase({keyspace, key});  // its key is a view into an older batch
    rows_.emplace(Name{keyspace, key}, Entry{seen, by, order});
  };
  std::visit(
      [&](const auto& op) {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, Batch::Put>) {
          set(op.keyspace, op.key, {Lookup::Kind::found, version, number_in(op.value)});
        } else if constexpr (std::is_same_v<Op, Batch::Erase>) {
          set(op.keyspace, op.key, {});
        } else if constexpr (std::is_same_v<Op, Batch::EraseRange>) {
          ranges_.push_back({op.keyspace, op.from, op.to, by, order});
        } else if constexpr (std::is_same_v<Op, Batch::Add>) {
          set(op.keyspace, op.key, {Lookup::Kind::found, version, static_cast<std::uint64_t>(sums.at(next_sum++))});
        }
      },
      operation);
}

std::optional<Lookup> Overlay::find(Keyspace keyspace, std::string_view key) const {
  const auto row = rows_.find({keyspace, key});
  const std::uint64_t order = row == rows_.end() ? 0 : row->second.order;
  const bool erased = std::ranges::any_of(ranges_, [&](const Range& range) {
    return range.order > order && range.keyspace == keyspace && key >= range.from && (range.to.empty() || key < range.to);
  });
  if (erased) return Lookup{};
  if (row == rows_.end()) return std::nullopt;
  return row->second.seen;
}

void Overlay::forget(const PendingWrite& by) {
  for (const auto& operation : by.batch.operations()) {
    std::visit(
        [&](const auto& op) {
          using Op = std::decay_t<decltype(op)>;
          if constexpr (!std::is_same_v<Op, Batch::EraseRange> && !std::is_same_v<Op, Batch::Fence>) {
            const auto row = rows_.find({op.keyspace, op.key});
            if (row != rows_.end() && row->second.by == &by) rows_.erase(row);
          }
        },
        operation);
  }
  std::erase_if(ranges_, [&](const Range& range) { return range.by == &by; });
}

void Overlay::clear() {
  rows_.clear();
  ranges_.clear();
}

// One batch being decided: each operation sees those before it.
struct Serialiser::Deciding {
  Serialiser& serialiser;
  Partition partition;
  const Batch& batch;
  CommittedRows& committed;
  Decision decision{};
  Overlay own{};
  std::size_t seen = 0;      // operations of the batch that `own` covers
  std::size_t own_sums = 0;  // sums that `own` has used
  std::size_t at = 0;        // the operation being decided
  bool touched_server = false;

  Lookup look(Keyspace keyspace, std::string_view key) {
    for (; seen < at; ++seen) own.apply(batch.operations()[seen], decision.sums, own_sums, 0, nullptr);
    if (const auto mine = own.find(keyspace, key)) return *mine;
    Lookup found = serialiser.current(partition, keyspace, key, committed);
    if (found.kind == Lookup::Kind::not_cached) decision.uncached.push_back({keyspace, std::string(key)});
    return found;
  }

  WriteOutcome operator()(const Batch::Put& /*put*/) { return WriteOutcome::ok; }
  WriteOutcome operator()(const Batch::Erase& /*erase*/) { return WriteOutcome::ok; }
  WriteOutcome operator()(const Batch::EraseRange& /*range*/) { return WriteOutcome::ok; }

  WriteOutcome operator()(const Batch::Require& require) {
    const Lookup row = look(require.keyspace, require.key);
    if (row.kind == Lookup::Kind::failed) return WriteOutcome::unknown;
    if (row.kind == Lookup::Kind::not_cached) return WriteOutcome::ok;
    const bool found = row.kind == Lookup::Kind::found;
    const bool holds = require.version ? found && row.version == *require.version : !found;
    return holds ? WriteOutcome::ok : WriteOutcome::conflict;
  }

  WriteOutcome operator()(const Batch::Add& add) {
    const Lookup row = look(add.keyspace, add.key);
    if (row.kind == Lookup::Kind::failed) return WriteOutcome::unknown;
    GODWIT_CHECK(row.kind != Lookup::Kind::found || row.number);  // a row that is added to holds 8 bytes
    const std::uint64_t before = row.number.value_or(0);
    decision.sums.push_back(static_cast<std::int64_t>(before + static_cast<std::uint64_t>(add.delta)));
    return WriteOutcome::ok;
  }

  WriteOutcome operator()(const Batch::Fence& fence) {
    if (!touched_server) {
      for (const auto& [name, epoch] : serialiser.leases_) {
        if (name == fence.lease) return epoch == fence.epoch ? WriteOutcome::ok : WriteOutcome::fenced;
      }
    }
    const std::string key = "lease/" + fence.lease;
    const Lookup row = look(Keyspace::server, key);
    if (row.kind == Lookup::Kind::failed) return WriteOutcome::unknown;
    if (row.kind == Lookup::Kind::not_cached) return WriteOutcome::ok;
    if (row.kind == Lookup::Kind::absent || !row.number) return WriteOutcome::fenced;
    if (!touched_server) serialiser.leases_.emplace_back(fence.lease, *row.number);
    return *row.number == fence.epoch ? WriteOutcome::ok : WriteOutcome::fenced;
  }
};

Decision Serialiser::decide(Partition partition, const Batch& batch, CommittedRows& committed) {
  Deciding deciding{*this, partition, batch, committed};
  for (const auto& operation : batch.operations()) {
    const WriteOutcome outcome = std::visit(deciding, operation);
    if (outcome != WriteOutcome::ok) return {outcome, {}, {}};  // whatever the rows that were not cached say
    deciding.touched_server |= written(operation) == Keyspace::server;
    ++deciding.at;
  }
  return std::move(deciding.decision);
}

void Serialiser::accept(PendingWrite& write) {
  write.next = nullptr;
  write.indexed = false;
  if (last_)
    last_->next = &write;
  else
    first_ = &write;
  last_ = &write;
  if (!not_indexed_) not_indexed_ = &write;
  for (const auto& operation : write.batch.operations()) {
    if (written(operation) == Keyspace::server) leases_.clear();
  }
}

void Serialiser::committed(const PendingWrite& write) {
  GODWIT_CHECK(first_ == &write);
  if (write.indexed) overlay_.forget(write);
  if (not_indexed_ == first_) not_indexed_ = first_->next;
  first_ = first_->next;
  if (!first_) last_ = nullptr;
}

Lookup Serialiser::current(Partition partition, Keyspace keyspace, std::string_view key, CommittedRows& committed) {
  if (first_) {
    look_at(keyspace);
    index_pending();
    if (const auto pending = overlay_.find(keyspace, key)) return *pending;
  }
  return committed.look(partition, keyspace, key);
}

void Serialiser::look_at(Keyspace keyspace) {
  if ((looked_at_ & bit(keyspace)) != 0) return;
  looked_at_ |= bit(keyspace);
  overlay_.clear();
  not_indexed_ = first_;
}

void Serialiser::index_pending() {
  for (; not_indexed_; not_indexed_ = not_indexed_->next) {
    std::size_t next_sum = 0;
    for (const auto& operation : not_indexed_->batch.operations()) {
      const auto keyspace = written(operation);
      if (keyspace && (looked_at_ & bit(*keyspace)) != 0) {
        overlay_.apply(operation, not_indexed_->done.sums, next_sum, not_indexed_->done.version, not_indexed_);
      } else if (std::holds_alternative<Batch::Add>(operation)) {
        ++next_sum;
      }
    }
    not_indexed_->indexed = true;
  }
}

}  // namespace godwit::store
