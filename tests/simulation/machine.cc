#include "machine.h"

#include <algorithm>
#include <utility>

#include "service/outbound/reply_class.h"
#include "state/trace/trace.h"

namespace godwit::simulation {
namespace {

using namespace std::chrono_literals;

// Writes through, and remembers what was written.
class RecordingEngine final : public store::Engine {
 public:
  std::unique_ptr<store::View> read(store::Partition partition) override { return engine_.read(partition); }
  Task<store::WriteDone> write(store::Partition partition, store::Batch batch) override {
    batches.emplace_back(partition, batch);
    co_return co_await engine_.write(partition, std::move(batch));
  }
  Task<Result<void>> sync() override { co_return co_await engine_.sync(); }
  bool full() const override { return false; }

  std::vector<std::pair<store::Partition, store::Batch>> batches;

 private:
  testing::MemoryEngine engine_;
};

smtp::Address address(std::string_view text) {
  auto parsed = smtp::parse_address(text);
  GODWIT_CHECK(parsed);
  return *std::move(parsed);
}

Task<> add_accounts(directory::Directory& into, std::vector<directory::Account>& accounts) {
  for (const std::string_view name : {"one.home.test", "two.home.test"}) {
    auto domain = *smtp::parse_domain(name);
    GODWIT_CHECK(co_await into.add_domain(std::move(domain)));
  }
  for (const std::string_view name : {"anna@one.home.test", "bert@one.home.test", "carl@two.home.test", "dora@two.home.test"}) {
    auto added = address(name);
    auto account = co_await into.add_account(std::move(added), "a long enough password");
    GODWIT_CHECK(account);
    accounts.push_back(*std::move(account));
  }
}

}  // namespace

FirstRows::FirstRows() {
  testing::TestLoop loop;
  RecordingEngine engine;
  BlockingPool pool(0);
  testing::SeededRandom random(7);
  directory::Directory directory(engine, pool, loop.clock(), random);
  loop.run(add_accounts(directory, accounts_));
  batches_ = std::move(engine.batches);
}

const FirstRows& FirstRows::instance() {
  static const FirstRows instance;
  return instance;
}

void FirstRows::write_to(testing::MemoryEngine& engine, testing::TestLoop& loop) const {
  for (const auto& [partition, batch] : batches_) {
    const auto done = loop.run(engine.write(partition, batch));
    GODWIT_CHECK(done.ok());
  }
}

// A machine without power drops nothing: what its ghost does while the run winds it up must not reach the disk.
class Machine::PoweredBlobs final : public store::Blobs {
 public:
  PoweredBlobs(testing::MemoryBlobs& bytes, const testing::MemoryEngine& engine) : bytes_(bytes), engine_(engine) {}
  std::unique_ptr<store::BlobWriter> begin(store::Partition partition, std::uint64_t owner) override {
    return bytes_.begin(partition, owner);
  }
  Task<Result<std::string>> read(store::BlobId id, std::uint64_t offset, std::size_t length) override {
    return bytes_.read(id, offset, length);
  }
  Task<Result<std::uint64_t>> size(store::BlobId id) override { return bytes_.size(id); }
  void drop(store::BlobId id) override {
    if (!engine_.crashed()) to_drop_.push_back(id);
  }
  // "The drops that freed it are covered by a sync": until then the bytes stay (store/blobs.h).
  void synced() {
    for (const store::BlobId id : std::exchange(to_drop_, {})) bytes_.drop(id);
  }
  void crashed() { to_drop_.clear(); }
  bool was_synced(store::BlobId id) const override { return bytes_.was_synced(id); }
  void set_owners(store::BlobOwners* owners) override { bytes_.set_owners(owners); }
  const std::vector<store::BlobDamage>& damage() const override { return bytes_.damage(); }
  Task<Result<std::vector<store::BlobDamage>>> verify() override { return bytes_.verify(); }
  bool full() const override { return bytes_.full(); }

 private:
  testing::MemoryBlobs& bytes_;
  const testing::MemoryEngine& engine_;
  std::vector<store::BlobId> to_drop_;
};

class Machine::Stories final : public trace::Trace {
 public:
  explicit Stories(Ledger& ledger) : ledger_(ledger) {}
  void keys(MessageId, trace::Keys) override {}
  void add(MessageId id, std::string_view kind, std::string detail) override { ledger_.note(id, kind, detail); }
  void finish(MessageId) override {}
  Task<Result<std::vector<trace::Event>>> events(MessageId) override { co_return std::vector<trace::Event>(); }
  Task<Result<std::vector<MessageId>>> find(std::string, std::size_t) override { co_return std::vector<MessageId>(); }
  void stop() override {}

 private:
  Ledger& ledger_;
};

Machine::Machine(World world, std::uint64_t seed, scheduler::Settings settings)
    : world_(world),
      settings_(std::move(settings)),
      random_(seed * 1'000'003 + 17),
      dice_(seed, 3),
      bytes_(seed + 1),
      blobs_(std::make_unique<PoweredBlobs>(bytes_, engine_)),
      trace_(std::make_unique<Stories>(world.ledger)) {
  FirstRows::instance().write_to(engine_, world_.loop);
  blobs_->set_owners(&owners_);
  engine_.on_write([this](std::uint64_t) {
    if (!on_ || std::exchange(sync_planned_, true)) return;
    net::spawn(world_.loop.executor(), world_.network.tasks(), "sync", sync_soon(*this));
  });
}

Machine::~Machine() { engine_.on_write({}); }

// "Synced with the next group or within 100 ms."
Task<> Machine::sync_soon(Machine& machine) {
  co_await machine.world_.clock.sleep(100ms);
  machine.sync_planned_ = false;
  if (!machine.is_on()) co_return;
  const auto synced = co_await machine.engine_.sync();
  if (synced && machine.is_on()) machine.blobs_->synced();
}

bool Machine::open() {
  directory_ = std::make_unique<directory::Directory>(engine_, pool_, world_.clock, random_);
  mailboxes_ = std::make_unique<mailbox::Mailboxes>(engine_, *blobs_, world_.clock, random_);
  queue_ = std::make_unique<queue::Queue>(engine_, *blobs_, world_.clock);
  const auto opened = world_.loop.run(queue_->open(1));
  if (!opened && !engine_.crashed()) world_.journal.violation("the queue cannot be opened: " + opened.error().text);
  return opened.has_value() && !engine_.crashed();
}

void Machine::start() {
  World& world = world_;
  while (!open()) {  // the power went again
    world.ledger.power_cut();
    queue_.reset();
    blobs_->crashed();
    bytes_.crash();
    engine_.restart();
  }
  auto router = routing::Router::create({}, *directory_);
  GODWIT_CHECK(router);
  router_ = *std::move(router);
  on_ = true;
  world.ledger.restarted();
  const std::vector<queue::Message> left = queued();
  world.ledger.starting(true);
  for (const queue::Message& message : left)
    if (!world.ledger.knows(message.id)) world.loop.run(tell_ledger(*this, message));
  world.ledger.starting(false);
  world.ledger.expect_pending(left);
  make_services();
  scheduler_->start();
  world.loop.poll();
}

void Machine::make_services() {
  World& world = world_;
  tasks_ = std::make_unique<net::TaskGroup>();
  auto intake_settings = std::make_shared<intake::Settings>();
  intake_settings->hostname = settings_.hostname;
  std::shared_ptr<const intake::Settings> for_intake = intake_settings;
  intake_ = intake::make_intake(intake::Context{
      .directory = *directory_,
      .queue = *queue_,
      .blobs = *blobs_,
      .trace = *trace_,
      .clock = world.clock,
      .random = random_,
      .router = [this] { return router_; },
      .loop = [] { return std::size_t{0}; },
      .settings = [for_intake] { return for_intake; },
      .on_accepted = [this](queue::Message message) { note_accepted(std::move(message)); },
      .mailboxes = mailboxes_.get(),
  });
  auto mx_settings = std::make_shared<routing::MxSites::Settings>();
  mx_settings->own_names.push_back(settings_.hostname);
  std::shared_ptr<const routing::MxSites::Settings> for_mx = mx_settings;
  mx_ = std::make_unique<routing::MxSites>(world.dns, world.clock, random_, [for_mx] { return for_mx; });
  auto outbound_settings = std::make_shared<outbound::Settings>();
  outbound_settings->hostname = settings_.hostname;
  outbound_settings->classes = outbound::ReplyClasses::shipped();
  outbound_settings->probe = settings_.retry;
  outbound_settings->sites.push_back({.match = "*.few.test", .connections = 1, .messages_per_connection = 3, .rates = {}});
  outbound_settings->sites.push_back(
      {.match = "*.rated.test", .connections = {}, .messages_per_connection = {}, .rates = std::vector<outbound::Rate>{{30, 1h}}});
  std::shared_ptr<const outbound::Settings> for_outbound = outbound_settings;
  outbound_ = outbound::make_outbound(outbound::Context{
      .dialer = world.network,
      .tls = world.network,
      .resolve = [](std::string) -> Task<Result<std::vector<IpAddress>>> { co_return std::vector<IpAddress>(); },
      .resolver = world.dns,
      .is_ourselves = [](const Endpoint&) { return false; },
      .blobs = *blobs_,
      .clock = world.clock,
      .random = random_,
      .trace = *trace_,
      .tasks = *tasks_,
      .executor = world.loop.executor(),
      .settings = [for_outbound] { return for_outbound; },
  });
  auto for_scheduler = std::make_shared<const scheduler::Settings>(settings_);
  scheduler_ = scheduler::make_scheduler(scheduler::Context{
      .queue = *queue_,
      .mailboxes = *mailboxes_,
      .blobs = *blobs_,
      .trace = *trace_,
      .intake = *intake_,
      .clock = world.clock,
      .random = random_,
      .tasks = *tasks_,
      .executor = world.loop.executor(),
      .loop = 0,
      .loops = 1,
      .router = [this] { return router_; },
      .mx = *mx_,
      .settings = [for_scheduler] { return for_scheduler; },
      .offer = [this](outbound::Job job) { offer(std::move(job)); },
  });
}

void Machine::offer(outbound::Job job) {
  const MessageId id = job.message->id;
  ++out_[id];
  most_out_ = std::max(most_out_, out_.size());
  if (out_.size() > settings_.window)
    world_.journal.violation(fmt::format("{} messages are out, the window is {}", out_.size(), settings_.window));
  job.done = [this, id, done = std::move(job.done)](std::vector<queue::Outcome> outcomes) {
    if (--out_[id] == 0) out_.erase(id);
    done(std::move(outcomes));
  };
  outbound_->offer(std::move(job));
}

void Machine::note_accepted(queue::Message message) {
  net::spawn(world_.loop.executor(), *tasks_, "ledger", tell_ledger(*this, message));
  scheduler_->accepted(std::move(message));
}

Task<> Machine::tell_ledger(Machine& machine, queue::Message message) {
  std::string text;
  if (message.session.starts_with("dsn-")) {
    auto read = co_await machine.read_blob(message.blob, message.size);
    if (!read) {
      if (!machine.engine_.crashed())
        machine.world_.journal.violation(fmt::format("{} cannot be read: {}", message.id.text(), read.error().text));
      co_return;
    }
    text = *std::move(read);
  }
  machine.world_.ledger.accepted(message, std::move(text));
}

Task<Result<std::string>> Machine::read_blob(store::BlobId id, std::uint64_t size) {
  co_return co_await bytes_.read(id, 0, static_cast<std::size_t>(size));
}

void Machine::stop() {
  scheduler_->drain();
  outbound_->drain();
  tasks_->stop();
  end_life();
}

void Machine::cut(bool keep_all) {
  world_.ledger.power_cut();
  if (keep_all)
    engine_.crash_keeping_all();
  else
    engine_.crash_at_random(random_);
  world_.network.unplug();
  scheduler_->drain();
  outbound_->drain();
  tasks_->stop();
  tasks_->cut();
  end_life();
  blobs_->crashed();
  if (!keep_all) bytes_.crash();
  engine_.restart();
  world_.network.plug();
}

// Until nothing of this life is left.
void Machine::end_life() {
  const SteadyTime give_up = world_.clock.steady() + 3h;
  world_.loop.poll();
  while (!(scheduler_->idle() && tasks_->running() == 0)) {
    if (!world_.clock.step(give_up, false)) break;
    world_.loop.poll();
  }
  if (!scheduler_->idle() || tasks_->running() != 0) {
    world_.journal.violation(fmt::format("the machine does not end: {} tasks, the scheduler is {}", tasks_->running(),
                                         scheduler_->idle() ? "idle" : "not idle"));
    throw Stuck();
  }
  on_ = false;
  scheduler_.reset();
  intake_.reset();
  outbound_.reset();
  mx_.reset();
  router_.reset();
  queue_.reset();
  mailboxes_.reset();
  directory_.reset();
  out_.clear();
}

void Machine::fail_soon(std::uint64_t writes, bool applied) {
  engine_.fail_at(writes, applied ? testing::MemoryEngine::Failure::applied : testing::MemoryEngine::Failure::lost);
}

void Machine::set_full(bool full) {
  engine_.set_full(full);
  bytes_.set_full(full);
}

bool Machine::is_idle() const { return !on_ || scheduler_->idle(); }

Task<> Machine::act_now(Machine& machine, MessageId id, scheduler::Scheduler::Action action) {
  const auto done = co_await machine.scheduler_->act(id, action, "by the administrator");
  if (!done && !machine.engine_.crashed()) machine.world_.journal.violation("an action failed: " + done.error().text);
}

void Machine::act(MessageId id, scheduler::Scheduler::Action action) {
  world_.ledger.acted_on(id, action == scheduler::Scheduler::Action::drop);
  if (action == scheduler::Scheduler::Action::retry || action == scheduler::Scheduler::Action::release) outbound_->probe_now();
  net::spawn(world_.loop.executor(), *tasks_, "act", act_now(*this, id, action));
}

std::vector<queue::Message> Machine::queued() {
  auto messages = world_.loop.run(queue_->list(std::nullopt, 100'000));
  if (messages) return *std::move(messages);
  world_.journal.violation("the queue cannot be listed: " + messages.error().text);
  return {};
}

Task<Result<std::vector<std::string>>> Machine::read_inbox(directory::Account account) {
  std::vector<std::string> tags;
  GODWIT_CO_ASSIGN(const auto inbox, co_await mailboxes_->snapshot(account.id, mailbox::kInbox));
  for (const auto& message : inbox.messages) {
    GODWIT_CO_ASSIGN(const auto email, co_await mailboxes_->email(account.id, message.email));
    GODWIT_CO_ASSIGN(const auto text, co_await read_blob(email.blob, email.blob_size));
    tags.push_back(Ledger::tag_of(email.prefix + text));
  }
  co_return tags;
}

std::map<std::string, std::vector<std::string>> Machine::mailboxes() {
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& account : FirstRows::instance().accounts()) {
    auto tags = world_.loop.run(read_inbox(account));
    if (tags)
      all[account.address.text()] = *std::move(tags);
    else
      world_.journal.violation("a mailbox cannot be read: " + tags.error().text);
  }
  return all;
}

void Machine::expect_nothing_left(bool was_cut) {
  for (const store::Keyspace keyspace : {store::Keyspace::fresh, store::Keyspace::waiting, store::Keyspace::due})
    if (const std::size_t rows = engine_.rows(keyspace); rows > 0)
      world_.journal.violation(fmt::format("{} rows of {} are left of an empty queue", rows, store::to_string(keyspace)));
  if (was_cut) return;
  const auto unowned = world_.loop.run(bytes_.unowned());
  if (!unowned)
    world_.journal.violation("the bytes' owners cannot be asked: " + unowned.error().text);
  else if (!unowned->empty())
    world_.journal.violation(fmt::format("{} bodies that nobody needs are left", unowned->size()));
}

}  // namespace godwit::simulation
