#pragma once
// `godwit serve`: listeners in front of the house, signals, reload. Owned by the command; called from the main thread alone.

#include <memory>

#include "app/config.h"
#include "app/house.h"
#include "base/result.h"

namespace godwit::app {

// Signals that the main thread waits for are blocked everywhere; call it before any thread starts.
void block_signals();

class Server {
 public:
  // Binds, drops privileges, opens the house and begins to accept. Errors are sentences with the mend.
  static Result<std::unique_ptr<Server>> start(Config config);
  ~Server();

  House& house();
  // Until SIGTERM or SIGINT; SIGHUP reloads the configuration.
  void run_until_signal();
  // No new connections, transactions under way get 10 s, then everything is closed.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::app
