#pragma once
// Where the due recipients of a message go in this round: routes asked, aliases followed, recipients grouped by site.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service/scheduler/scheduler.h"

namespace godwit::scheduler {

struct Plan {
  struct Local {
    std::size_t recipient = 0;  // index into the message's recipients
    directory::Account account;
  };
  struct Remote {
    std::shared_ptr<const routing::Site> site;
    std::vector<std::size_t> recipients;
  };
  struct Lookup {
    routing::ToMx to;
    std::vector<std::size_t> recipients;
  };
  std::vector<Local> locals;
  std::vector<Remote> remotes;                                  // one a site, so that the bytes go there once
  std::vector<Lookup> lookups;                                  // domains whose MX the DNS has to be asked for
  std::vector<std::pair<std::size_t, queue::Outcome>> decided;  // refused by the router, or it could not answer
  std::vector<std::size_t> held;
  std::string hold_because;
  bool changed = false;  // the message has: an alias was followed, or a route discarded a recipient

  bool is_for_sites() const { return !remotes.empty() && lookups.empty() && nothing_else(); }
  bool is_for_the_dns() const { return !lookups.empty() && remotes.empty() && nothing_else(); }

 private:
  bool nothing_else() const { return locals.empty() && decided.empty() && held.empty() && !changed; }
};

// Indices of the recipients that are pending and due.
std::vector<std::size_t> due_recipients(const queue::Message& message, WallTime now);

// An alias that has come up since the message was accepted is followed: its recipient becomes the first target, the others
// are added to the message. A recipient that a route discards is dropped here. Routes are asked 16 at a time; the message's header is read
// once, and only if a route asks for it. Never waits for the DNS.
Task<Plan> make_plan(const Context& context, queue::Message& message, std::vector<std::size_t> due);

// Asks the DNS for what the plan could not know, 16 domains at a time: `lookups` become `remotes` or `decided`.
Task<> look_up(const Context& context, Plan& plan, std::size_t offered = 0);

}  // namespace godwit::scheduler
