#pragma once
// store::Engine in memory, with an unsynced tail: what crash() forgets is what a power cut could forget and no more.
//
// Complete: it passes edge/store/engine_conformance.h. No threads and no clock: lazy writes stay unsynced until a durable
// write of their partition, sync() or crash(). A write is applied when write() is called and answered by a post to the
// caller's loop, unless hold() delays it. Any thread may call; tests mostly use one loop.
//
//   MemoryEngine engine;                    ... the server runs, lazy and durable writes ...
//   engine.crash_at_random(random);         every write and read of the old server fails from now on
//   loop.poll();                            the old server notices; destroy it
//   engine.restart();                       start the new one on what is left

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "edge/store/engine.h"

namespace godwit::testing {

class MemoryEngine final : public store::Engine {
 public:
  MemoryEngine();
  ~MemoryEngine() override;

  std::unique_ptr<store::View> read(store::Partition partition) override;
  Task<store::WriteDone> write(store::Partition partition, store::Batch batch) override;
  Task<Result<void>> sync() override;
  bool full() const override;

  void set_full(bool full);

  // From now on writes wait, undecided, in order; release() lets the first `count` through and answers them.
  void hold();
  void release(std::size_t count);
  void release();  // all, and ends hold()
  std::size_t held() const;

  // A power cut. Of each partition's writes that no sync covers (lazy ones, and those held: they may have reached the
  // disk unanswered) the first keep(partition, how many there are) survive. Held writes are answered `unknown`.
  // Until restart() every write is `unknown` (not applied) and every read an `io` error.
  using Keep = std::function<std::size_t(store::Partition partition, std::size_t unsynced)>;
  void crash(const Keep& keep);
  void crash_forgetting_all();           // the worst power cut
  void crash_keeping_all();              // kill -9 after everything reached the operating system
  void crash_at_random(Random& random);  // any prefix in each partition
  void restart();
  bool crashed() const;

  enum class Failure : std::uint8_t {
    lost,     // answered `unknown`, not applied; later writes and reads fail as after crash()
    applied,  // the same, but applied
    hang,     // this write and all later ones are held: for a crash() between writing and answering
    full,     // answered `full`; life goes on
  };
  // The n-th write from now (1 = the next) fails so.
  void fail_at(std::uint64_t n, Failure failure);
  // Called with the number of each write (from 1) before it is decided; for tests that crash at every write.
  void on_write(std::function<void(std::uint64_t number)> call);

  std::uint64_t writes() const;                      // so far
  std::size_t unsynced() const;                      // batches that crash_forgetting_all() would forget
  std::size_t rows(store::Keyspace keyspace) const;  // in all partitions
  std::vector<store::Row> dump(store::Partition partition, store::Keyspace keyspace) const;

 private:
  friend class MemoryView;
  struct Stored {
    std::string value;
    store::RowVersion version = 0;
  };
  using Table = std::map<std::string, Stored>;
  using Tables = std::array<std::shared_ptr<Table>, store::kKeyspaces>;  // copied on write while a view shares them
  struct Change {                                                        // how to undo one
    store::Keyspace keyspace;
    std::string key;
    std::optional<Stored> before;
  };
  using Undo = std::vector<Change>;
  struct Part {
    Tables tables;
    std::deque<Undo> unsynced;
  };
  struct Held {
    store::Partition partition = 0;
    std::optional<store::Batch> batch;  // nothing: a sync()
    Resume<store::WriteDone> answer;
  };
  struct Applying;

  void arrive(store::Partition partition, std::optional<store::Batch> batch, Resume<store::WriteDone> answer);
  store::WriteDone commit(store::Partition partition, const std::optional<store::Batch>& batch);
  store::WriteDone apply(Part& part, const store::Batch& batch, Undo& undo);
  static void set(Part& part, store::Keyspace keyspace, const std::string& key, std::optional<Stored> value, Undo* undo);
  static void roll_back(Part& part, const Undo& undo);
  void answer_held(std::size_t count);
  Part& part(store::Partition partition);

  mutable std::mutex mutex_;
  std::map<store::Partition, Part> parts_;
  std::deque<Held> held_;
  store::RowVersion last_version_ = 0;
  std::uint64_t writes_ = 0;
  bool holding_ = false;
  bool crashed_ = false;
  bool full_ = false;
  std::map<std::uint64_t, Failure> failures_;
  std::function<void(std::uint64_t)> on_write_;
};

}  // namespace godwit::testing
