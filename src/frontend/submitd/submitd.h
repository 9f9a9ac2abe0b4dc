#pragma once
// The door for programs on this machine: what `sendmail` hands over, on submit.sock or through the maildrop while we are down.
//
// Everybody on the machine may submit; who it was (the uid, from the kernel) is recorded and limited in rate, root aside. Sender and
// recipients may lack a domain: they get find_origin()'s. Everything else is intake's decision. Any loop; Context outlives sessions.

#include <functional>
#include <memory>
#include <string>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "edge/net/connection_limits.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "frontend/submitd/rates.h"
#include "service/intake/intake.h"
#include "state/directory/directory.h"

namespace godwit::dsn {
class Texts;
}

namespace godwit::submitd {

struct Settings {
  std::string hostname;
  std::uint64_t messages_per_minute = 600;  // of one uid; 0 = no limit
  std::size_t sessions_per_user = 50;       // at once
  Duration idle = std::chrono::minutes(1);  // without a byte; sendmail has read its input before it calls
  Duration whole = std::chrono::minutes(10);
  std::shared_ptr<const dsn::Texts> texts;  // of what a refusal is told with; null: as shipped
};

struct Context {
  intake::Intake& intake;
  directory::Directory& directory;
  Clock& clock;
  Random& random;
  BlockingPool& pool;
  std::function<std::shared_ptr<const Settings>()> settings;  // the current ones
  net::TaskGroup& tasks;
  net::ConnectionLimits& limits;
  Rates& rates;
};

// One connection of submit.sock, to its end.
Task<> serve(std::unique_ptr<net::Stream> stream, Context& context);

// Makes the maildrop `directory` (mode 1730, group godwit-drop where there is one, else ours) and, beside it, the folder for what was
// moved aside (0700). Blocking. Errors are sentences with the mend.
Result<void> make_maildrop(const std::string& directory);
inline std::string aside_of(const std::string& maildrop) { return maildrop + "-refused"; }

// Looks into the maildrop now and every few seconds until context.tasks stops.
Task<> watch_maildrop(Context& context, std::string directory);
// Takes in what lies there now; true if something was left for later.
Task<bool> take_maildrop(Context& context, std::string directory);

}  // namespace godwit::submitd
