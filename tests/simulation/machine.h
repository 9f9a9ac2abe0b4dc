#pragma once
// Our server in the simulated world: intake, queue, scheduler, routing, outbound, delivery and mailboxes, all real, on a disk in memory
// that forgets what no sync covers. It is switched on, drained, and cut off as often as the run wants.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "ledger.h"
#include "service/scheduler/scheduler.h"
#include "sim_network.h"
#include "state/queue/blob_owners.h"
#include "testing/fake_resolver.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/test_loop.h"

namespace godwit::simulation {

struct World {
  testing::TestLoop& loop;
  SimClock& clock;
  Journal& journal;
  Ledger& ledger;
  SimNetwork& network;
  testing::FakeResolver& dns;
};

// The domains, accounts and aliases that each machine begins with: written once and copied, as a password's hash takes long.
class FirstRows {
 public:
  static const FirstRows& instance();
  void write_to(testing::MemoryEngine& engine, testing::TestLoop& loop) const;
  const std::vector<directory::Account>& accounts() const { return accounts_; }

 private:
  FirstRows();
  std::vector<std::pair<store::Partition, store::Batch>> batches_;
  std::vector<directory::Account> accounts_;
};

// Something of a life waits for ever, and refers to what would have to be destroyed: the run is over, and stays in memory.
struct Stuck {};

class Machine {
 public:
  Machine(World world, std::uint64_t seed, scheduler::Settings settings);
  ~Machine();

  void start();
  bool is_on() const { return on_ && !engine_.crashed(); }
  // SIGTERM: what is under way ends.
  void stop();
  // No more power: some of what no sync covers is lost; `keep_all`: kill -9.
  void cut(bool keep_all);
  // The disk fails at one of the next writes: the process ends there. crashed() shows it.
  void fail_soon(std::uint64_t writes, bool applied);
  std::uint64_t writes() const { return engine_.writes(); }
  bool crashed() const { return on_ && engine_.crashed(); }
  void set_full(bool full);
  // Nothing is under way: the clock may pass over its housekeeping.
  bool is_idle() const;

  intake::Intake& intake() { return *intake_; }
  // A client of this life: end_life() waits for it.
  void start_client(Task<> task) { net::spawn(world_.loop.executor(), *tasks_, "client", std::move(task)); }
  void act(MessageId id, scheduler::Scheduler::Action action);
  std::vector<queue::Message> queued();
  queue::Queue::Totals totals() const { return queue_->totals(); }
  std::size_t most_in_memory() const { return most_out_; }
  std::map<std::string, std::vector<std::string>> mailboxes();
  // Of an empty queue: rows, and bytes that nobody needs. What a process that died had not yet dropped stays until its segment is looked
  // at (edge/store), so of bytes only without a power cut.
  void expect_nothing_left(bool was_cut);

 private:
  class PoweredBlobs;
  class Stories;

  static Task<> sync_soon(Machine& machine);
  static Task<> tell_ledger(Machine& machine, queue::Message message);
  static Task<> act_now(Machine& machine, MessageId id, scheduler::Scheduler::Action action);
  bool open();
  void note_accepted(queue::Message message);
  void offer(outbound::Job job);
  void end_life();
  void make_services();
  Task<Result<std::vector<std::string>>> read_inbox(directory::Account account);
  Task<Result<std::string>> read_blob(store::BlobId id, std::uint64_t size);

  World world_;
  scheduler::Settings settings_;
  testing::SeededRandom random_;
  Dice dice_;
  BlockingPool pool_{0};
  testing::MemoryEngine engine_;
  testing::MemoryBlobs bytes_;
  std::unique_ptr<PoweredBlobs> blobs_;
  queue::BlobOwners owners_{engine_};
  std::unique_ptr<Stories> trace_;
  bool on_ = false;
  bool sync_planned_ = false;
  std::map<MessageId, unsigned> out_;  // messages with jobs out
  std::size_t most_out_ = 0;

  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<directory::Directory> directory_;
  std::unique_ptr<mailbox::Mailboxes> mailboxes_;
  std::unique_ptr<queue::Queue> queue_;
  std::shared_ptr<const routing::Router> router_;
  std::unique_ptr<routing::MxSites> mx_;
  std::unique_ptr<outbound::Outbound> outbound_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
};

}  // namespace godwit::simulation
