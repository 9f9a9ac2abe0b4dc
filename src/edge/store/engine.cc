#include "edge/store/engine.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace godwit::store {
namespace {

std::size_t size_of(const Batch::Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::size_t {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, Batch::Put>)
          return op.key.size() + op.value.size();
        else if constexpr (std::is_same_v<Op, Batch::EraseRange>)
          return op.from.size() + op.to.size();
        else if constexpr (std::is_same_v<Op, Batch::Fence>)
          return op.lease.size() + 8;
        else
          return op.key.size() + 8;
      },
      operation);
}

}  // namespace

std::string_view to_string(Keyspace keyspace) {
  switch (keyspace) {
    case Keyspace::server: return "server";
    case Keyspace::directory: return "directory";
    case Keyspace::fresh: return "fresh";
    case Keyspace::waiting: return "waiting";
    case Keyspace::due: return "due";
    case Keyspace::delivered: return "delivered";
    case Keyspace::blob_refs: return "blob_refs";
    case Keyspace::mailbox: return "mailbox";
    case Keyspace::outbox: return "outbox";
    case Keyspace::trace: return "trace";
  }
  return "unknown";
}

std::string_view to_string(WriteOutcome outcome) {
  switch (outcome) {
    case WriteOutcome::ok: return "ok";
    case WriteOutcome::conflict: return "conflict";
    case WriteOutcome::fenced: return "fenced";
    case WriteOutcome::full: return "full";
    case WriteOutcome::unknown: return "unknown";
  }
  return "unknown";
}

void Batch::add_operation(Operation operation) {
  bytes_ += size_of(operation);
  operations_.push_back(std::move(operation));
}

void check_limits(const Batch& batch) {
  GODWIT_CHECK(batch.bytes() <= kMaxBatch);
  for (const auto& operation : batch.operations()) {
    std::visit(
        [](const auto& op) {
          using Op = std::decay_t<decltype(op)>;
          if constexpr (std::is_same_v<Op, Batch::EraseRange>)
            GODWIT_CHECK(op.from.size() <= kMaxKey && op.to.size() <= kMaxKey);
          else if constexpr (std::is_same_v<Op, Batch::Fence>)
            GODWIT_CHECK(op.lease.size() + 6 <= kMaxKey);
          else
            GODWIT_CHECK(op.key.size() <= kMaxKey);
          if constexpr (std::is_same_v<Op, Batch::Put>) GODWIT_CHECK(op.value.size() <= kMaxValue);
        },
        operation);
  }
}

Result<void> as_result(const WriteDone& done, std::string_view what) {
  switch (done.outcome) {
    case WriteOutcome::ok: return {};
    case WriteOutcome::conflict:
      return fail(Error::temporary(Error::Cause::conflict, fmt::format("{}: changed by somebody else meanwhile", what)));
    case WriteOutcome::fenced:
      return fail(Error::temporary(Error::Cause::conflict, fmt::format("{}: another node owns this partition now", what)));
    case WriteOutcome::full: return fail(Error::temporary(Error::Cause::full, fmt::format("{}: the disk is full", what)));
    case WriteOutcome::unknown: return fail(Error::temporary(Error::Cause::io, fmt::format("{}: the store failed", what)));
  }
  return {};
}

Task<Result<std::optional<Row>>> Engine::get(Partition partition, Keyspace keyspace, std::string key) {
  auto view = read(partition);
  co_return co_await view->get(keyspace, std::move(key));
}

Task<Result<std::uint64_t>> Engine::acquire_lease(Partition partition, std::string name) {
  Batch batch;
  batch.add(Keyspace::server, "lease/" + name, 1);
  const WriteDone done = co_await write(partition, std::move(batch));
  GODWIT_CO_TRY(as_result(done, "taking the lease " + name));
  co_return static_cast<std::uint64_t>(done.sums.at(0));
}

}  // namespace godwit::store
