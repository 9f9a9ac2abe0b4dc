#pragma once
// For the power cut tests: the whole house on a forgetful disk, a next hop on loopback that writes down what it took, and the ledger
// of what was handed in, what was acknowledged before the power went, and what must be found afterwards.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "app/house.h"
#include "testing/fake_smtp_server.h"
#include "testing/forgetful_disk.h"
#include "testing/rocksdb_on_disk.h"

namespace godwit::app {

using Disk = godwit::testing::ForgetfulDisk;

inline smtp::Address address(const std::string& text) { return *smtp::parse_address(text); }

// Asked for; and acknowledged while the power was still there.
enum class Asked : std::uint8_t { no, yes, acknowledged };

// A message as it was handed in, and everywhere it must come to.
struct Sent {
  std::string tag = {};
  std::string body = {};
  std::vector<std::string> to = {};          // as in RCPT
  std::set<std::string> mailboxes = {};      // where it is delivered, once
  std::set<std::string> next_hop = {};       // recipients that the next hop takes, at least once
  std::size_t held = 0;                      // recipients that stay in the queue
  std::string bounces_to = {};               // whose mailbox gets a report, at least once
  Asked kept = Asked::no;                    // 250
  Asked dropped = Asked::no;                 // from the queue
  std::map<std::string, Asked> erased = {};  // from the mailbox of that name
};

// Shared by the clients on all loops.
struct Ledger {
  std::mutex mutex;
  std::map<std::string, Sent> sent;        // by tag
  std::map<std::string, Asked> directory;  // "domain local.test", "account anna@local.test", "alias team@local.test"
  std::map<std::string, Asked> removed;    // the same
  std::vector<std::string> complaints;     // refusals while the power was there

  void note(Asked& what, bool acknowledged) {
    const std::lock_guard lock(mutex);
    what = acknowledged ? Asked::acknowledged : std::max(what, Asked::yes);
  }
  void complain(std::string text) {
    const std::lock_guard lock(mutex);
    complaints.push_back(std::move(text));
  }
  Asked& entry(const std::string& name) {
    const std::lock_guard lock(mutex);
    return directory[name];
  }
  Asked& removal(const std::string& name) {
    const std::lock_guard lock(mutex);
    return removed[name];
  }
  Sent& add(Sent what) {
    const std::lock_guard lock(mutex);
    what.kept = Asked::yes;
    return sent[what.tag] = std::move(what);
  }
  Sent* find(const std::string& tag) {
    const std::lock_guard lock(mutex);
    const auto found = sent.find(tag);
    return found == sent.end() ? nullptr : &found->second;
  }
  // About to be erased from a mailbox; null for what is not in the ledger.
  Asked* erased(const std::string& tag, const std::string& mailbox) {
    Sent* what = find(tag);
    const std::lock_guard lock(mutex);
    if (what == nullptr) return nullptr;
    Asked& asked = what->erased[mailbox];
    asked = std::max(asked, Asked::yes);
    return &asked;
  }
};

// Takes what comes, but for nobody@ (never) and slow-*@ (the second time).
class NextHop {
 public:
  NextHop() {
    server_.on_command = [this](const std::string& command, std::size_t) { return answer(command); };
    auto listening = net::listen_tcp(loops_, {{false, {127, 0, 0, 1}}, 0});
    GODWIT_CHECK(listening);
    listener_ = *std::move(listening);
    listener_->start([this](std::size_t, std::unique_ptr<net::Stream> stream) {
      net::spawn(loops_.executor(0), dialogues_, "next hop", server_.serve(std::move(stream)));
    });
    loops_.run();
  }
  ~NextHop() { stop(); }

  std::string hop() const { return "smtp://" + listener_->endpoint().text(); }
  // Afterwards messages() may be read.
  void stop() { loops_.stop(); }
  const std::vector<godwit::testing::FakeSmtpServer::Received>& messages() const { return server_.messages; }

 private:
  std::optional<std::string> answer(const std::string& command) {
    if (command == "RCPT TO:<nobody@far.test>") return "550 5.1.1 No such user\r\n";
    if (command.starts_with("RCPT TO:<slow-") && asked_.insert(command).second) return "451 4.2.0 Later\r\n";
    return std::nullopt;
  }

  godwit::testing::FakeSmtpServer server_;
  std::set<std::string> asked_;
  net::TaskGroup dialogues_;
  net::LoopPool loops_{1};
  std::unique_ptr<net::Listener> listener_;
};

// A directory of the machine for the lock and the reserve; everything else is on the forgetful disk.
class DataDirectory {
 public:
  DataDirectory() {
    std::string name = ::testing::TempDir() + "godwit-power-cut-XXXXXX";
    GODWIT_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~DataDirectory() {
    std::error_code failure;
    std::filesystem::remove_all(path_, failure);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline Config make_config(const std::string& data_dir, const std::string& next_hop) {
  Config config;
  config.hostname = "mx.local.test";
  config.data_dir = data_dir;
  config.store_min_free = 1 << 20;
  config.retry = {milliseconds(20)};
  config.routes = {{"far.test", {next_hop}}, {"hold.test", {"hold"}}};
  return config;
}

// One life of the server on a disk that outlives it. Segments are small, so that every body of this test meets their ends.
class Life {
 public:
  Life(const Config& config, std::shared_ptr<Disk> disk) : config_(config), disk_(std::move(disk)) {}

  Result<void> open() {
    Surroundings around;
    around.disk = disk_;
    around.file_system = godwit::testing::make_rocksdb_on_disk(disk_, [disk = disk_] { return disk->is_cut(); });
    around.segment_bytes = 64 * 1024;
    around.chunk_bytes = 8 * 1024;
    around.on_fatal = [disk = disk_](const std::string& why) { EXPECT_TRUE(disk->is_cut()) << why; };
    GODWIT_ASSIGN(house_, House::open(config_, loops_, false, std::move(around)));
    house_->start();
    return {};
  }
  House& house() { return *house_; }
  bool power() const { return !disk_->is_cut(); }

  // Starts `task` on one of the loops; wait() for all of them.
  void start(std::size_t loop, Task<> task) { net::spawn(loops_.executor(loop % loops_.size()), clients_, "client", std::move(task)); }
  [[nodiscard]] bool wait() { return house_->run(clients_.wait(house_->clock(), std::chrono::seconds(60))); }

 private:
  const Config& config_;
  std::shared_ptr<Disk> disk_;
  net::TaskGroup clients_;
  net::LoopPool loops_{2};
  std::unique_ptr<House> house_;
};

// Nothing is on its way any more: what is in the queue is held. Returns early when the power goes.
inline Task<bool> rest(Life& life) {
  Clock& clock = life.house().clock();
  const SteadyTime give_up = clock.steady() + std::chrono::seconds(30);
  while (life.power()) {
    const auto totals = life.house().admin().queue.totals();
    if (totals.messages == totals.held) co_return true;
    if (clock.steady() > give_up) co_return false;
    co_await clock.sleep(Duration(2));
  }
  co_return true;
}

inline Task<Result<std::string>> read_whole(store::Blobs& blobs, store::BlobId id, std::uint64_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    GODWIT_CO_ASSIGN(const std::string part, co_await blobs.read(id, bytes.size(), static_cast<std::size_t>(size - bytes.size())));
    if (part.empty()) co_return fail(Error::permanent(Error::Cause::corrupt, "a body is shorter than its row says"));
    bytes += part;
  }
  co_return bytes;
}

}  // namespace godwit::app
