// Several loops on threads of their own: each with its scheduler and shard, sites on other loops, one queue and one set of
// mailboxes. For the thread sanitizer above all.

#include <atomic>
#include <thread>

#include "edge/net/loop.h"
#include "service/scheduler/scheduler_fixture.h"

namespace godwit::scheduler {
namespace {

constexpr std::size_t kLoops = 3;
constexpr std::size_t kMessages = 300;  // a loop

// Bytes that nobody reads: ids and nothing else, from any thread.
class CountingBlobs final : public store::Blobs {
 public:
  class Writer final : public store::BlobWriter {
   public:
    explicit Writer(store::BlobId id) : id_(id) {}
    Task<Result<void>> append(std::string_view) override { co_return Result<void>(); }
    std::uint64_t size() const override { return 0; }
    Task<Result<store::BlobId>> finish() override { co_return id_; }
    Task<Result<void>> synced() override {
      co_await yield_loop();
      co_return Result<void>();
    }

   private:
    store::BlobId id_;
  };

  std::unique_ptr<store::BlobWriter> begin(store::Partition partition, std::uint64_t) override {
    return std::make_unique<Writer>(store::BlobId{partition, 1, ++last_});
  }
  Task<Result<std::string>> read(store::BlobId, std::uint64_t, std::size_t) override { co_return std::string(); }
  Task<Result<std::uint64_t>> size(store::BlobId) override { co_return std::uint64_t{0}; }
  void drop(store::BlobId) override { ++dropped; }
  bool was_synced(store::BlobId) const override { return true; }
  void set_owners(store::BlobOwners*) override {}
  const std::vector<store::BlobDamage>& damage() const override { return damage_; }
  Task<Result<std::vector<store::BlobDamage>>> verify() override { co_return std::vector<store::BlobDamage>(); }
  bool full() const override { return false; }

  std::atomic<std::size_t> dropped{0};

 private:
  std::atomic<std::uint32_t> last_{0};
  std::vector<store::BlobDamage> damage_;
};

class NoIntake final : public intake::Intake {
 public:
  Task<std::expected<std::unique_ptr<intake::Transaction>, smtp::Reply>> begin(const intake::Source&, intake::MailParameters) override {
    co_return std::unexpected(smtp::Reply{550, {5, 0, 0}, "no reports here"});
  }
};

class LockedTrace final : public trace::Trace {
 public:
  void keys(MessageId, trace::Keys) override {}
  void add(MessageId, std::string_view, std::string) override {}
  void finish(MessageId) override {}
  Task<Result<std::vector<trace::Event>>> events(MessageId) override { co_return std::vector<trace::Event>(); }
  Task<Result<std::vector<MessageId>>> find(std::string, std::size_t) override { co_return std::vector<MessageId>(); }
  void stop() override {}
};

// Intervals pass a hundred times as fast.
class HastyClock final : public Clock {
 public:
  WallTime now() const override { return clock_->now(); }
  SteadyTime steady() const override { return start_ + (clock_->steady() - start_) * kTimes; }
  std::unique_ptr<Timer> make_timer(const Executor& executor) override {
    return std::make_unique<HastyTimer>(start_, clock_->make_timer(executor));
  }

 private:
  static constexpr int kTimes = 100;

  class HastyTimer final : public Timer {
   public:
    HastyTimer(SteadyTime start, std::unique_ptr<Timer> timer) : start_(start), timer_(std::move(timer)) {}
    Task<bool> wait_until(SteadyTime when) override {
      co_return co_await timer_->wait_until(start_ + (when - start_) / kTimes + Duration(1));
    }
    void wake() override { timer_->wake(); }

   private:
    const SteadyTime start_;
    std::unique_ptr<Timer> timer_;
  };

  std::unique_ptr<Clock> clock_ = make_system_clock();
  const SteadyTime start_ = clock_->steady();
};

struct House {
  explicit House(std::unique_ptr<Clock> c = make_system_clock()) : clock(std::move(c)) {}

  godwit::testing::MemoryEngine engine;
  CountingBlobs blobs;
  std::unique_ptr<Clock> clock;
  std::unique_ptr<Random> random = make_system_random();
  BlockingPool pool{0};
  LockedTrace trace;
  NoIntake intake;
  net::LoopPool loops{kLoops};
  net::TaskGroup tasks;
  queue::Queue queue{engine, blobs, *clock};
  directory::Directory directory{engine, pool, *clock, *random};
  mailbox::Mailboxes mailboxes{engine, blobs, *clock, *random};
  std::shared_ptr<const routing::Router> router;
  godwit::testing::FakeResolver resolver{*clock};  // nobody asks: every domain is local or routed
  routing::MxSites mx{resolver, *clock, *random, [] { return std::make_shared<const routing::MxSites::Settings>(); }};
  std::shared_ptr<Settings> settings = std::make_shared<Settings>();
  std::vector<std::unique_ptr<Scheduler>> schedulers;
  std::atomic<std::size_t> delivered{0};
  static constexpr std::size_t kReads = 300;  // with the others on record
  std::atomic<std::size_t> reads{0};
  std::atomic<std::size_t> bytes_read{0};

  // The site's loop reads the message, and the outcomes come home.
  void offer(std::size_t from, outbound::Job job) {
    const std::size_t to = (from + 1) % kLoops;
    if (job.site->hops[0].host == "slow.test" && reads < kReads) {
      post(loops.executor(to), [this, from, job = std::move(job)]() mutable { read(from, std::move(job)); });
      return;
    }
    post(loops.executor(to), [this, from, job = std::move(job)]() mutable {
      std::vector<Outcome> outcomes;
      for (const std::size_t index : job.recipients)
        outcomes.push_back(job.message->recipients[index].address.text().empty() ? later() : took());
      delivered += outcomes.size();
      job.message.reset();
      post(loops.executor(from), [done = std::move(job.done), outcomes = std::move(outcomes)]() mutable { done(std::move(outcomes)); });
    });
  }

  // Reads what a dialogue reads, over and over, while the message's own loop records the others' outcomes.
  void read(std::size_t from, outbound::Job job) {
    for (int i = 0; i < 100; ++i)
      for (const std::size_t index : job.recipients) {
        const queue::Recipient& recipient = job.message->recipients[index];
        bytes_read += recipient.address.text().size() + recipient.orcpt.size() + (recipient.notify.never ? 1 : 0);
        bytes_read += job.message->prefix.size() + job.message->reverse_path.text().size();
      }
    if (recorded_partly()) ++reads;
    if (reads >= kReads)
      offer(from, std::move(job));
    else
      post(loops.executor((from + 1) % kLoops), [this, from, job = std::move(job)]() mutable { read(from, std::move(job)); });
  }
  bool recorded_partly() const { return queue.totals().recipients == 2; }  // those of the slow site

  void make_schedulers() {
    settings->hostname = "mx1.local.test";
    settings->retry = {std::chrono::minutes(1)};
    settings->window = 50;
    for (std::size_t loop = 0; loop < kLoops; ++loop) {
      Context context{queue,
                      mailboxes,
                      blobs,
                      trace,
                      intake,
                      *clock,
                      *random,
                      tasks,
                      loops.executor(loop),
                      loop,
                      kLoops,
                      [this] { return router; },
                      mx,
                      [this] { return std::shared_ptr<const Settings>(settings); },
                      [this, loop](outbound::Job job) { offer(loop, std::move(job)); }};
      schedulers.push_back(make_scheduler(std::move(context)));
      post(loops.executor(loop), [this, loop] { schedulers[loop]->start(); });
    }
  }

  static Task<> send_all(House& house, std::size_t loop) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      queue::Message message;
      message.id = house.queue.next_id(loop);
      message.recipients.push_back(queue::testing::recipient("anna@local.test"));
      message.recipients.push_back(queue::testing::recipient("x@far.test"));
      if (i % 3 == 0) message.recipients.erase(message.recipients.begin());
      message.accepted = house.clock->now();
      auto writer = house.blobs.begin(queue::Queue::partition_of(message.id), message.id.value);
      message.blob = *co_await writer->finish();
      const auto kept = co_await house.queue.accept(message, *writer);
      EXPECT_TRUE(kept);
      const MessageId id = message.id;
      house.schedulers[loop]->accepted(std::move(message));
      if (i % 50 == 0) {
        const auto acted = co_await house.schedulers[loop]->act(id, Scheduler::Action::retry, "by a test");
        EXPECT_TRUE(acted);
        const auto listed = co_await house.queue.list(std::nullopt, 10);
        EXPECT_TRUE(listed);
      }
    }
  }
};

Task<> send_one(House& house, std::size_t loop) {
  queue::Message message;
  message.id = house.queue.next_id(loop);
  for (const std::string_view rcpt : {"anna@local.test", "x@far.test", "y@slow.test", "z@far.test", "w@slow.test"})
    message.recipients.push_back(queue::testing::recipient(rcpt));
  message.accepted = house.clock->now();
  auto writer = house.blobs.begin(queue::Queue::partition_of(message.id), message.id.value);
  message.blob = *co_await writer->finish();
  const auto kept = co_await house.queue.accept(message, *writer);
  EXPECT_TRUE(kept);
  house.schedulers[loop]->accepted(std::move(message));
}

// One slow site; meanwhile the others' outcomes are recorded in the message that its loop is reading.
TEST(SchedulerThreads, RecordingWhileASiteReads) {
  House house(std::make_unique<HastyClock>());
  godwit::testing::TestLoop opener;
  ASSERT_TRUE(opener.run(house.directory.add_domain(*smtp::parse_domain("local.test"))));
  ASSERT_TRUE(opener.run(house.directory.add_account(address("anna@local.test"), "a long enough password")));
  ASSERT_TRUE(opener.run(house.queue.open(kLoops)));
  house.router = *routing::Router::create({{"far.test", {"smtp://far.test:25"}}, {"slow.test", {"smtp://slow.test:25"}}}, house.directory);
  house.make_schedulers();
  net::spawn(house.loops.executor(0), house.tasks, "send", send_one(house, 0));
  house.loops.run();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (house.delivered < 4 || house.queue.totals().messages > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
  house.tasks.stop();
  while (house.tasks.running() > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
  house.loops.stop();
  EXPECT_EQ(house.delivered, 4u);
  EXPECT_GE(house.reads, House::kReads);
}

TEST(SchedulerThreads, LoopsAndSitesSideBySide) {
  House house;
  godwit::testing::TestLoop opener;
  ASSERT_TRUE(opener.run(house.directory.add_domain(*smtp::parse_domain("local.test"))));
  ASSERT_TRUE(opener.run(house.directory.add_account(address("anna@local.test"), "a long enough password")));
  ASSERT_TRUE(opener.run(house.queue.open(kLoops)));
  house.router = *routing::Router::create({{"far.test", {"smtp://far.test:25"}}}, house.directory);
  house.make_schedulers();
  for (std::size_t loop = 0; loop < kLoops; ++loop)
    net::spawn(house.loops.executor(loop), house.tasks, "send", House::send_all(house, loop));
  house.loops.run();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (house.delivered < kLoops * kMessages || house.queue.totals().messages > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
  house.tasks.stop();
  while (house.tasks.running() > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
  house.loops.stop();
  EXPECT_EQ(house.delivered, kLoops * kMessages);
  EXPECT_EQ(house.engine.rows(store::Keyspace::delivered), 0u);
  const auto account = opener.run(house.directory.find_account(address("anna@local.test")));
  EXPECT_EQ(opener.run(house.mailboxes.snapshot((*account)->id, mailbox::kInbox))->messages.size(), kLoops * kMessages * 2 / 3);
}

}  // namespace
}  // namespace godwit::scheduler
