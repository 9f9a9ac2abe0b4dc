#pragma once
// Priority classes as an operator configures them: whose mail is urgent, or can wait. Values; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "grammar/smtp/path.h"
#include "service/routing/patterns.h"
#include "state/queue/priority.h"

namespace godwit::intake {

// Every condition that is there has to hold; of each, one of its patterns has to match.
struct PriorityClass {
  std::vector<routing::SenderPattern> sender;    // of MAIL FROM; only of mail that we take from those we know
  std::vector<routing::AddressPattern> account;  // that submitted it
  std::vector<routing::DomainPattern> tenant;
  std::uint8_t priority = 0;  // as kept (state/queue/priority.h)
};

// Of the first class that matches, else 0. `account`: null if nobody has authenticated. Whether the sender is `trusted` to be who he says:
// a stranger's address proves nothing.
std::uint8_t priority_by_class(std::span<const PriorityClass> classes, const smtp::ReversePath& sender, bool trusted,
                               const smtp::Address* account, std::string_view tenant);

}  // namespace godwit::intake
