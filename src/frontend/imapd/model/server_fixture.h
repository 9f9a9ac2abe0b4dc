#pragma once
// The server under the model test: real sessions and mailboxes over the memory engine, whose every read and write may be held back until
// the test lets it go on, so that commands of several clients come between each other at any point; and a power that goes. For the model
// test.

#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "frontend/imapd/imapd.h"
#include "testing/manual_clock.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/memory_stream.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::imapd::model {

// Who asks waits at a gate, one in `one_in` times (0: never), until open() lets him through.
class GatedEngine final : public store::Engine {
 public:
  GatedEngine(store::Engine& inner, Random& random) : inner_(inner), random_(random) {}

  std::unique_ptr<store::View> read(store::Partition partition) override {
    return std::make_unique<GatedView>(inner_.read(partition), *this);
  }
  Task<store::WriteDone> write(store::Partition partition, store::Batch batch) override {
    co_await pass();
    auto done = co_await inner_.write(partition, std::move(batch));
    co_await pass();  // the power may go between the write and its answer
    co_return done;
  }
  Task<Result<void>> sync() override { return inner_.sync(); }
  bool full() const override { return inner_.full(); }

  void set_gates(std::uint64_t one_in) { one_in_ = one_in; }
  std::size_t waiting() const { return waiting_.size(); }
  void open(std::size_t which) {
    auto resume = std::move(waiting_.at(which));
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(which));
    resume(true);
  }

 private:
  class GatedView final : public store::View {
   public:
    GatedView(std::unique_ptr<store::View> inner, GatedEngine& engine) : inner_(std::move(inner)), engine_(engine) {}
    Task<Result<std::optional<store::Row>>> get(store::Keyspace keyspace, std::string key) override {
      co_await engine_.pass();
      co_return co_await inner_->get(keyspace, std::move(key));
    }
    Task<Result<store::Page>> scan(store::Keyspace keyspace, std::string from, std::string to, store::ScanLimit limit,
                                   store::Direction direction) override {
      co_await engine_.pass();
      co_return co_await inner_->scan(keyspace, std::move(from), std::move(to), limit, direction);
    }

   private:
    std::unique_ptr<store::View> inner_;
    GatedEngine& engine_;
  };

  Task<> pass() {
    if (one_in_ == 0 || random_.below(one_in_) != 0) co_return;
    co_await suspend<bool>([this](Resume<bool> resume) { waiting_.push_back(std::move(resume)); });
  }

  store::Engine& inner_;
  Random& random_;
  std::uint64_t one_in_ = 0;
  std::vector<Resume<bool>> waiting_;
};

// Who may log in: made once a process, since a password costs 14 ms.
class Logins {
 public:
  static constexpr const char* kPassword = "correct-horse";
  static Logins& the() {
    static auto* const logins = new Logins;
    return *logins;
  }
  directory::Directory& directory() { return directory_; }
  directory::AccountId id(std::size_t which) const { return accounts_.at(which).id; }
  std::string name(std::size_t which) const { return accounts_.at(which).address.text(); }

 private:
  Logins() : directory_(engine_, pool_, clock_, random_) {
    testing::TestLoop loop;
    ignore(loop.run(directory_.add_domain(smtp::parse_domain("example.org").value())), "below it shows");
    for (const char* name : {"anna@example.org", "bert@example.org"})
      accounts_.push_back(loop.run(directory_.add_account(smtp::parse_address(name).value(), kPassword)).value());
  }

  testing::MemoryEngine engine_;
  BlockingPool pool_{0};
  testing::ManualClock clock_;
  testing::SeededRandom random_{7};
  directory::Directory directory_;
  std::vector<directory::Account> accounts_;
};

class Server {
 public:
  explicit Server(Random& random) : engine_(memory_, random) {
    settings_.hostname = "mx.example.org";
    settings_.plaintext_from = {parse_network("0.0.0.0/0").value()};
    open();
  }
  ~Server() { end_sessions(); }

  testing::TestLoop& loop() { return loop_; }
  GatedEngine& engine() { return engine_; }
  mailbox::Mailboxes& mailboxes() { return *mailboxes_; }

  // A new connection: the client's end.
  std::unique_ptr<net::Stream> connect() {
    auto [server, client] = testing::make_memory_streams(loop_.clock());
    net::spawn(loop_.executor(), *tasks_, "imapd", serve(std::move(server), false, "session", *context_));
    return std::move(client);
  }

  // The power goes and comes back; the clients have closed their ends.
  void crash(Random& random) {
    memory_.crash_at_random(random);
    blobs_.crash();
    end_sessions();
    memory_.restart();
    open();
  }

  // Everything that waits goes on, with no gate.
  void run_free() {
    engine_.set_gates(0);
    do {
      while (engine_.waiting() > 0) engine_.open(0);
      loop_.poll();
    } while (engine_.waiting() > 0);
  }

 private:
  void open() {
    context_.reset();
    mailboxes_ = std::make_unique<mailbox::Mailboxes>(engine_, blobs_, loop_.clock(), own_random_);
    tasks_ = std::make_unique<net::TaskGroup>();
    context_.reset(new Context{
        .directory = Logins::the().directory(),
        .mailboxes = *mailboxes_,
        .blobs = blobs_,
        .clock = loop_.clock(),
        .tls = [] { return std::shared_ptr<net::TlsAcceptor>(); },
        .settings = [this] { return std::make_shared<const Settings>(settings_); },
        .tasks = *tasks_,
        .limits = limits_,
    });
  }
  void end_sessions() {
    run_free();
    tasks_->stop();
    run_free();
    GODWIT_CHECK(tasks_->running() == 0);
  }

  testing::TestLoop loop_;
  testing::MemoryEngine memory_;
  GatedEngine engine_;
  testing::MemoryBlobs blobs_;
  testing::SeededRandom own_random_{7};
  Settings settings_;
  net::ConnectionLimits limits_{10'000, 100};
  std::unique_ptr<mailbox::Mailboxes> mailboxes_;
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<Context> context_;
};

}  // namespace godwit::imapd::model
