#include "edge/store/rocksdb_engine.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdlib>

#include "base/log.h"
#include "edge/store/partition.h"
#include "edge/store/reserve_fs.h"
#include "edge/store/rocksdb_db.h"
#include "edge/store/rocksdb_view.h"
#include "edge/store/rocksdb_writer.h"
#include "edge/store/table_check.h"
#include "edge/store/wal_check.h"

namespace godwit::store {
namespace {

constexpr std::size_t kStripes = 64;
constexpr int kAttemptsOnLoop = 4;  // then the decision is made on the pool, which reads the disk where it must

// Partitions share locks; what a partition needs while batches of it are under way lies in its stripe.
struct Stripe {
  std::mutex mutex;
  std::unordered_map<Partition, Serialiser> partitions;
};

class Committed final : public CommittedRows {
 public:
  Committed(RocksDb& db, Tier tier) : db_(db), tier_(tier) {}
  Lookup look(Partition partition, Keyspace keyspace, std::string_view key) override { return db_.look(partition, keyspace, key, tier_); }

 private:
  RocksDb& db_;
  Tier tier_;
};

[[noreturn]] void end_process(const std::string& /*logged already*/) {
  log::flush();
  std::abort();
}

Result<void> check_log(Disk& disk, const std::string& path) {
  GODWIT_ASSIGN(const bool there, disk.exists(path));
  if (!there) {
    GODWIT_ASSIGN(const bool half_repaired, disk.exists(path + ".repaired"));
    if (!half_repaired) return {};
    return fail(Error::permanent(Error::Cause::corrupt, fmt::format("a repair of {} was cut off; run `godwit store repair` again", path)));
  }
  GODWIT_ASSIGN(const WalReport report, check_wal(disk, path));
  if (!report.acknowledged.empty()) {
    return fail(Error::permanent(Error::Cause::corrupt, fmt::format("the log of the store is damaged: {}/{}; run `godwit store repair`",
                                                                    path, report.acknowledged.front().text())));
  }
  GODWIT_ASSIGN(const bool lost, lacks_current(disk, path, report));
  if (lost) {
    return fail(Error::permanent(Error::Cause::corrupt, fmt::format("{}/CURRENT is missing; run `godwit store repair`", path)));
  }
  return cut_torn_tail(disk, path, report);
}

}  // namespace

struct RocksDbEngine::Impl final : CommitSink {
  Impl(RocksDbSettings given, BlockingPool& blocking_pool, std::shared_ptr<Disk> under, std::unique_ptr<RocksDb> database)
      : settings(std::move(given)),
        pool(blocking_pool),
        disk(std::move(under)),
        db(std::move(database)),
        writer(*db),
        queue(std::make_unique<CommitQueue>(*this, db->last_version())) {}

  ~Impl() override {
    closing = true;
    db->space_wait().stop_waiting();
    db->wait_unused();
    queue.reset();
  }

  Outcome commit(WriteGroup group, How how) override {
    const rocksdb::Status status = writer.write(group, how);
    if (status.IsIncomplete() && how == How::no_sync_no_wait) return Outcome::would_wait;
    return went_well(status, "writing the log of the store") ? Outcome::yes : Outcome::failed;
  }
  bool sync() override { return went_well(writer.sync(), "syncing the log of the store"); }
  bool mark() override { return went_well(writer.write_mark(), "writing the log of the store"); }
  void tick() override {
    if (settings.space) settings.space->check();
  }
  void settled(WriteGroup group) override;

  bool went_well(const rocksdb::Status& status, std::string_view what);
  Stripe& stripe_of(Partition partition) { return stripes[(partition * 0x9e3779b1u >> 16) % kStripes]; }
  void attempt(Partition partition, Batch& batch, Resume<WriteStep> resume, Tier tier);
  void verify_while_serving();
  void read_into_cache(Partition partition, const std::vector<RowName>& rows);

  RocksDbSettings settings;
  BlockingPool& pool;
  std::shared_ptr<Disk> disk;
  std::unique_ptr<RocksDb> db;
  RocksDbWriter writer;
  std::array<Stripe, kStripes> stripes;
  std::atomic<bool> failed{false};
  std::atomic<bool> closing{false};
  std::unique_ptr<CommitQueue> queue;  // last: its thread uses all the others
};

bool RocksDbEngine::Impl::went_well(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return true;
  failed = true;
  const std::string why = fmt::format("{}: {}", what, status.ToString());
  log::error("store failed", {{"error", why}});
  // The kernel forgets what a failed sync could not write; only a replay of the log tells what is there.
  if (!closing) settings.on_fatal(why);
  return false;
}

void RocksDbEngine::Impl::settled(WriteGroup group) {
  Stripe* locked = nullptr;
  std::unique_lock<std::mutex> lock;
  for (const auto& write : group) {
    Stripe& stripe = stripe_of(write->partition);
    if (locked != &stripe) {
      if (lock) lock.unlock();
      lock = std::unique_lock(stripe.mutex);
      locked = &stripe;
    }
    const auto at = stripe.partitions.find(write->partition);
    at->second.committed(*write);
    if (at->second.idle()) stripe.partitions.erase(at);
  }
}

void RocksDbEngine::Impl::attempt(Partition partition, Batch& batch, Resume<WriteStep> resume, Tier tier) {
  if (failed) return resume(WriteStep());
  if (!queue->has_room()) {
    return queue->when_room([resume = std::move(resume)]() mutable { resume(WriteStep{WriteStep::Kind::try_again, {}, {}}); });
  }
  const bool is_roomy = !settings.space || !settings.space->full();
  std::optional<WriteStep> refused;
  bool own = false;
  Stripe& stripe = stripe_of(partition);
  {
    const std::scoped_lock lock(stripe.mutex);
    const auto at = stripe.partitions.try_emplace(partition).first;
    Committed committed(*db, tier);
    Decision decision = at->second.decide(partition, batch, committed);
    if (decision.outcome == WriteOutcome::ok && decision.uncached.empty()) {
      auto pending = std::make_unique<PendingWrite>(PendingWrite{partition, std::move(batch), {}, std::move(resume)});
      pending->done.sums = std::move(decision.sums);
      PendingWrite& accepted = *pending;
      // under the lock: the order of the log is the order of decisions
      own = queue->push(std::move(pending), is_roomy ? CommitQueue::By::pusher_too : CommitQueue::By::thread);
      at->second.accept(accepted);
    } else {
      if (at->second.idle()) stripe.partitions.erase(at);
      refused.emplace(decision.uncached.empty() ? WriteStep::Kind::done : WriteStep::Kind::read_first);
      refused->done.outcome = decision.outcome;
      refused->uncached = std::move(decision.uncached);
    }
  }
  if (own) queue->commit_own();
  if (refused) resume(*std::move(refused));
}

void RocksDbEngine::Impl::read_into_cache(Partition partition, const std::vector<RowName>& rows) {
  for (const auto& row : rows) ignore(db->look(partition, row.keyspace, row.key, Tier::disk), "the decision reads it again");
}

// A large store must not keep its mail waiting: its tables are read in the background. What is damaged is named once; rows in it
// answer with errors whenever they are asked for.
void RocksDbEngine::Impl::verify_while_serving() {
  pool.submit([this, use = RocksDb::Use(*db)] {
    for (const auto& damage : verify_tables(*db, closing))
      log::error("a table of the store is damaged: stop the server and run `godwit store repair`",
                 {{"file", settings.path + "/" + damage.file}, {"error", damage.what}});
  });
}

RocksDbEngine::RocksDbEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksDbEngine::~RocksDbEngine() = default;

Result<std::unique_ptr<RocksDbEngine>> RocksDbEngine::open(RocksDbSettings settings, BlockingPool& pool) {
  if (!settings.on_fatal) settings.on_fatal = end_process;
  std::shared_ptr<Disk> disk = settings.disk ? settings.disk : std::shared_ptr<Disk>(make_posix_disk());
  GODWIT_TRY(check_log(*disk, settings.path));
  GODWIT_TRY(disk->make_directories(settings.path));
  GODWIT_ASSIGN(auto db, RocksDb::open(settings));
  const bool verify_first = bytes_of_tables(*db) <= settings.verify_at_start;
  if (verify_first) {
    const auto damages = verify_tables(*db, std::atomic<bool>(false));
    if (!damages.empty()) {
      return fail(Error::permanent(Error::Cause::corrupt, fmt::format("a table of the store is damaged: {}/{}; run `godwit store repair`",
                                                                      settings.path, damages.front().text())));
    }
  }
  auto impl = std::make_unique<Impl>(std::move(settings), pool, std::move(disk), std::move(db));
  if (!verify_first) impl->verify_while_serving();
  return std::unique_ptr<RocksDbEngine>(new RocksDbEngine(std::move(impl)));
}

std::unique_ptr<View> RocksDbEngine::read(Partition partition) { return make_rocksdb_view(*impl_->db, impl_->pool, partition); }

Task<WriteDone> RocksDbEngine::write(Partition partition, Batch batch) {
  check_limits(batch);
  for (int attempts = 1;; ++attempts) {
    if (batch.refuse_when_full && full()) co_return WriteDone{WriteOutcome::full, {}, 0};
    WriteStep step;
    if (attempts <= kAttemptsOnLoop) {
      step =
          co_await suspend<WriteStep>([&](Resume<WriteStep> resume) { impl_->attempt(partition, batch, std::move(resume), Tier::cache); });
    } else {
      const auto shared = std::make_shared<Batch>(std::move(batch));
      step = co_await suspend<WriteStep>([&](Resume<WriteStep> resume) {
        impl_->pool.submit([impl = impl_.get(), use = RocksDb::Use(*impl_->db), partition, shared, resume = std::move(resume)]() mutable {
          impl->attempt(partition, *shared, std::move(resume), Tier::disk);
        });
      });
      batch = std::move(*shared);
    }
    if (step.kind == WriteStep::Kind::done) co_return std::move(step.done);
    if (step.kind == WriteStep::Kind::try_again) continue;
    auto work = [impl = impl_.get(), use = RocksDb::Use(*impl_->db), partition, rows = std::move(step.uncached)] {
      impl->read_into_cache(partition, rows);
      return true;
    };
    co_await impl_->pool.run(std::move(work));
  }
}

Task<Result<void>> RocksDbEngine::sync() {
  const WriteDone done = co_await write(kServerPartition, Batch());
  co_return as_result(done, "syncing the store");
}

bool RocksDbEngine::full() const { return impl_->settings.space && impl_->settings.space->full(); }

Task<Result<std::vector<std::string>>> RocksDbEngine::verify() {
  auto work = [impl = impl_.get(), use = RocksDb::Use(*impl_->db)]() -> Result<std::vector<std::string>> {
    std::vector<std::string> found;
    for (const auto& damage : verify_tables(*impl->db, impl->closing)) found.push_back(damage.text());
    GODWIT_ASSIGN(const WalReport report, check_wal(*impl->disk, impl->settings.path, impl->writer.synced()));
    for (const auto& damage : report.acknowledged) found.push_back(damage.text());
    for (const auto& damage : report.torn) found.push_back(damage.text());
    return found;
  };
  co_return co_await impl_->pool.run(std::move(work));
}

}  // namespace godwit::store
