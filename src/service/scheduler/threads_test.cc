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

struct House {
  godwit::testing::MemoryEngine engine;
  CountingBlobs blobs;
  std::unique_ptr<Clock> clock = make_system_clock();
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

  // The site's loop reads the message, and the outcomes come home.
  void offer(std::size_t from, outbound::Job job) {
    const std::size_t to = (from + 1) % kLoops;
    post(loops.executor(to), [this, from, job = std::move(job)]() mutable {
      std::vector<Outcome> outcomes;
      for (const std::size_t index : job.recipients)
        outcomes.push_back(job.message->recipients[index].address.text().empty() ? later() : took());
      delivered += outcomes.size();
      job.message.reset();
      post(loops.executor(from), [done = std::move(job.done), outcomes = std::move(outcomes)]() mutable { done(std::move(outcomes)); });
    });
  }

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
