#include "edge/store/commit_queue.h"

#include <algorithm>

#include "base/metrics.h"
#include "base/thread_name.h"

namespace godwit::store {
namespace {

// What a batch costs in memory beyond its bytes, so that a queue of empty ones is bounded too.
std::size_t weight(const PendingWrite& write) { return write.batch.bytes() + 256 + 64 * write.batch.operations().size(); }

bool may_be_own(const std::unique_ptr<PendingWrite>& write) {
  return !write->by_thread && write->batch.durability == Batch::Durability::lazy && weight(*write) <= CommitQueue::kOwnBytes;
}

metrics::Counter& batches() {
  static auto& counter = metrics::counter("godwit_store_batches_total", "Batches of rows committed");
  return counter;
}
metrics::Counter& groups() {
  static auto& counter = metrics::counter("godwit_store_groups_total", "Groups of batches written at once");
  return counter;
}
metrics::Gauge& waiting_bytes() {
  static auto& gauge = metrics::gauge("godwit_store_queue_bytes", "Bytes of batches that wait for the commit thread");
  return gauge;
}

bool changes(const Batch::Operation& operation) {
  if (const auto* range = std::get_if<Batch::EraseRange>(&operation)) return range->to.empty() || range->from < range->to;
  return !std::holds_alternative<Batch::Require>(operation) && !std::holds_alternative<Batch::Fence>(operation);
}

}  // namespace

bool changes_rows(const Batch& batch) { return std::ranges::any_of(batch.operations(), changes); }

CommitQueue::CommitQueue(CommitSink& sink, RowVersion last_version) : sink_(sink), last_version_(last_version) {
  thread_ = std::thread([this] { serve(); });
}

CommitQueue::~CommitQueue() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
  for (auto& call : want_room_) call();
}

bool CommitQueue::push(std::unique_ptr<PendingWrite> write, By by) {
  const bool takes_version = changes_rows(write->batch);
  const std::size_t bytes = weight(*write);
  write->by_thread = by == By::thread;
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (takes_version) ++last_version_;
    write->done.version = last_version_;
    bytes_ += bytes;
    if (may_be_own(write) && asleep_ && !own_ && waiting_.empty()) {
      own_ = true;
      group_bytes_ = bytes;
      group_.push_back(std::move(write));
      return true;
    }
    waiting_.push_back(std::move(write));
    wake = !own_ && (waiting_.size() == 1 || waiting_.size() == GroupPace::kEnough || bytes_ >= kGroupBytes);
  }
  if (wake) work_.notify_one();
  return false;
}

// What others of their kind have pushed meanwhile goes with it, a few times.
void CommitQueue::commit_own() {
  constexpr int kRounds = 4;
  const bool synced_before = !unsynced_;
  bool wake = false;
  for (int round = 1;; ++round) {
    commit_group(CommitSink::How::no_sync_no_wait);
    const std::scoped_lock lock(mutex_);
    const bool would_wait = !group_.empty();
    for (; !group_.empty(); group_.pop_back()) waiting_.push_front(std::move(group_.back()));
    if (!would_wait && round < kRounds && !waiting_.empty() && std::ranges::all_of(waiting_, may_be_own)) {
      take_group();
      continue;
    }
    own_ = false;
    wake = !waiting_.empty() || wants_turn_ || (synced_before && unsynced_);  // there is a sync to be awake for
    break;
  }
  if (wake) work_.notify_one();
}

bool CommitQueue::has_room() const {
  const std::scoped_lock lock(mutex_);
  return bytes_ < kQueueBytes;
}

void CommitQueue::when_room(std::move_only_function<void()> call) {
  {
    const std::scoped_lock lock(mutex_);
    if (bytes_ >= kQueueBytes && !stopping_) {
      want_room_.push_back(std::move(call));
      return;
    }
  }
  call();
}

CommitQueue::Time CommitQueue::next_duty() const { return unsynced_ || unmarked_ ? std::min(lazy_until_, next_tick_) : next_tick_; }

// Until there is a batch, a duty or the end; nobody else commits then.
bool CommitQueue::wait_for_work(std::unique_lock<std::mutex>& lock) {
  asleep_ = true;
  while (own_ || (waiting_.empty() && !stopping_)) {
    if (own_) {
      wants_turn_ = true;
      work_.wait(lock);
      wants_turn_ = false;
      continue;
    }
    const Time duty = next_duty();
    if (Time::clock::now() >= duty) break;
    work_.wait_until(lock, duty);
  }
  asleep_ = false;
  return !waiting_.empty() || !stopping_;
}

void CommitQueue::serve() {
  name_this_thread("rows");
  std::unique_lock lock(mutex_);
  while (wait_for_work(lock)) {
    if (!waiting_.empty())
      pace_.gather(lock, work_, [this] { return bytes_ >= kGroupBytes ? GroupPace::kEnough : waiting_.size(); }, stopping_);
    take_group();
    lock.unlock();
    if (!group_.empty()) {
      pace_.begin(std::chrono::steady_clock::now(), group_.size());
      const auto is_durable = [](const auto& write) { return write->batch.durability == Batch::Durability::durable; };
      commit_group(std::ranges::any_of(group_, is_durable) ? CommitSink::How::sync : CommitSink::How::no_sync);
    }
    keep_up(std::chrono::steady_clock::now());
    lock.lock();
  }
  lock.unlock();
  if (!failed_ && unsynced_) failed_ = !sink_.sync();
  if (!failed_) sink_.mark();
}

void CommitQueue::take_group() {
  group_bytes_ = 0;
  while (!waiting_.empty()) {
    const std::size_t bytes = weight(*waiting_.front());
    if (!group_.empty() && group_bytes_ + bytes > kGroupBytes) break;
    group_bytes_ += bytes;
    group_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void CommitQueue::commit_group(CommitSink::How how) {
  const bool durable = how == CommitSink::How::sync;
  if (!failed_) {
    const auto committed = sink_.commit(group_, how);
    if (committed == CommitSink::Outcome::would_wait) return;
    failed_ = committed == CommitSink::Outcome::failed;
  }
  if (!failed_) {
    batches().add(group_.size());
    groups().add();
    if (durable || !unsynced_) lazy_until_ = std::chrono::steady_clock::now() + kLazyFor;
    unsynced_ = !durable;
    unmarked_ |= durable;
  }
  sink_.settled(group_);
  answer_group();
}

void CommitQueue::answer_group() {
  for (const auto& write : group_) {
    write->done.outcome = failed_ ? WriteOutcome::unknown : WriteOutcome::ok;
    write->answer(WriteStep{WriteStep::Kind::done, std::move(write->done), {}});
  }
  group_.clear();

  std::vector<std::move_only_function<void()>> let_in;
  {
    const std::scoped_lock lock(mutex_);
    bytes_ -= group_bytes_;
    waiting_bytes().set(static_cast<std::int64_t>(bytes_));
    if (bytes_ < kQueueBytes) let_in.swap(want_room_);
  }
  for (auto& call : let_in) call();
}

void CommitQueue::keep_up(Time now) {
  if (now >= next_tick_) {
    sink_.tick();
    next_tick_ = now + std::chrono::seconds(1);
  }
  if (failed_ || now < lazy_until_ || !(unsynced_ || unmarked_)) return;
  if (unsynced_) failed_ = !sink_.sync();
  unsynced_ = false;
  if (!failed_) failed_ = !sink_.mark();
  unmarked_ = false;
}

}  // namespace godwit::store
