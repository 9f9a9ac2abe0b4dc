#pragma once
// Everything between the doors and the disk, wired once: store, state, services, one scheduler a loop, the way outward.
//
// Opened by the server and, with the server down, by commands (`offline`: nothing is delivered). Owned by its caller, which
// runs no loop itself: open(), run() and close() block and are called from the main thread.

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/current.h"
#include "base/blocking_pool.h"
#include "edge/net/loop.h"
#include "edge/net/task_group.h"
#include "edge/store/disk.h"
#include "frontend/adminapi/control.h"
#include "service/intake/intake.h"

namespace rocksdb {
class FileSystem;
}
namespace godwit::dns {
class Resolver;
}

namespace godwit::app {

// What lies below, when it is not the machine's (tests).
struct Surroundings {
  std::shared_ptr<store::Disk> disk;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::uint32_t segment_bytes = 64u << 20;
  std::uint32_t chunk_bytes = 256u << 10;
  std::shared_ptr<dns::Resolver> resolver;
  std::function<void(const std::string& why)> on_fatal;  // the store cannot go on; default: log and abort
};

// `store repair`: nobody may have the directory open. Sentences about what was salvaged and what is missing; blocking.
Result<std::vector<std::string>> repair_store(const Config& config);

class House {
 public:
  // Takes the directory lock, opens the store and starts the loops. Errors name the directory and the mend.
  static Result<std::unique_ptr<House>> open(const Config& config, net::LoopPool& loops, bool offline, Surroundings around = {});
  ~House();

  // Starts the schedulers: from here on mail moves.
  void start();
  // New settings and routes; the old ones stay in force for what is under way. Errors leave everything as it was.
  Result<void> reload(const Config& config);
  // No new attempts; waits up to `patience` for those under way, then cuts them off, ends the loops and closes the store. false:
  // something did not end even then, and still refers to the house: leave without unwinding.
  bool close(Duration patience);

  // Runs a coroutine on the first loop and waits for what it returns.
  template <class T>
  T run(Task<T> task) {
    std::promise<T> promise;
    auto future = promise.get_future();
    run_task(fulfil(std::move(task), promise));
    T value = future.get();
    settle();
    return value;
  }

  adminapi::Context& admin();
  intake::Intake& intake();
  directory::Directory& directory();
  mailbox::Mailboxes& mailboxes();
  store::Blobs& blobs();
  Clock& clock();
  Random& random();
  BlockingPool& blocking();
  net::TaskGroup& tasks();

 private:
  template <class T>
  static Task<> fulfil(Task<T> task, std::promise<T>& promise) {
    promise.set_value(co_await std::move(task));
  }
  void run_task(Task<> task);
  void settle();

  struct Impl;
  explicit House(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::app
